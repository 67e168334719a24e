package deployment_test

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/secrettest"
)

func connectionBody(name, group string) string {
	return fmt.Sprintf(`{"name":%q,"connector":"s3","provider":%q,"region":%q,"groups":[%q],"buckets":[{"name":%q}]}`,
		name, demosite.Provider, demosite.Region, group, demosite.Bucket)
}

// configurationWrites are the ways to change what a site has configured. A connection's name is in its provider, too.
func configurationWrites() []act {
	prepared := func(w *world, mark string) error {
		if answer := w.Call(http.MethodPost, "/v1/connections", w.Admin(), connectionBody(mark, "nobody")); answer.Status != http.StatusCreated {
			return fmt.Errorf("create connection: %d %s", answer.Status, answer.Body)
		}
		return nil
	}
	return []act{
		{
			name: "create-connection", whole: true, repeated: map[string]claim{"name_taken": asDone},
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/connections", connectionBody(mark, "nobody"), nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				entry, used, err := w.customer.configured("CONNECTION", mark)
				return []int{oneIf(entry != nil), oneIf(used)}, err
			},
		},
		{
			name: "delete-connection", prepare: prepared, whole: true, repeated: map[string]claim{"connection_not_found": asDone},
			request: func(_ *world, mark string) request {
				return request{http.MethodDelete, "/v1/connections/" + mark, "", nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				entry, used, err := w.customer.configured("CONNECTION", mark)
				return []int{oneIf(entry == nil), oneIf(!used)}, err
			},
		},
		{
			name: "replace-connection", prepare: prepared,
			request: func(_ *world, mark string) request {
				return request{http.MethodPut, "/v1/connections/" + mark, connectionBody(mark, mark), nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				entry, _, err := w.customer.configured("CONNECTION", mark)
				groups, ok := entry["groups"].(*types.AttributeValueMemberL)
				if err != nil || !ok {
					return []int{0}, err
				}
				group, ok := groups.Value[0].(*types.AttributeValueMemberS)
				return []int{oneIf(ok && group.Value == mark)}, nil
			},
		},
		{
			name: "create-provider", repeated: map[string]claim{"name_taken": asDone},
			request: func(_ *world, mark string) request {
				secret := secrettest.Plant(secrettest.SecretKey, mark)
				return request{http.MethodPost, "/v1/providers", fmt.Sprintf(
					`{"name":%q,"method":"access_keys","access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":%q}`, mark, secret), nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				entry, _, err := w.customer.configured("PROVIDER", mark)
				return []int{oneIf(entry != nil)}, err
			},
		},
	}
}

func oneIf(there bool) int {
	if there {
		return 1
	}
	return 0
}

// reads are the ways to read. What they answer by success is all that there is.
func reads() []act {
	get := func(name, path string, want ...string) act {
		return reading(name, request{http.MethodGet, path, "", nil}, want...)
	}
	const tables, search = "/v1/dynamodb/orders/tables", `{"where":{"field":"customer","op":"=","value":"north-harbour"},"order":{"field":"placed"},"limit":3}`
	all := []act{
		get("get-item", itemRoute+keyOfItem("o-001"), `"north-harbour"`),
		get("list-tables", tables, demosite.Table),
		get("describe-table", tables+"/Orders", "by-customer"),
		reading("search", request{http.MethodPost, tables + "/Orders/search", search, nil}, `"o-001"`, `"o-004"`, `"o-007"`, `"next_cursor"`),
		get("list-objects", bucketRoute+"/objects?prefix=reports/2026/", "reports/2026/q1.csv", "reports/2026/q2.csv"),
		get("list-buckets", "/v1/s3/files/buckets", demosite.Bucket),
		get("get-object", objectRoute("readme.txt"), "Files of the demo site.\n"),
		get("get-metadata", bucketRoute+"/object/metadata?key=readme.txt", `"text/plain`),
		reading("download", request{http.MethodPost, "/v1/s3/files/downloads", `{"objects":[{"bucket":"demo-files","key":"readme.txt"}]}`, nil}, "X-Amz-Signature"),
		get("list-functions", "/v1/lambda/actions/functions", demosite.Function),
		get("me", "/v1/me", `"files"`, `"orders"`),
		get("get-provider", "/v1/providers/demo", `"ready"`),
		get("list-connections", "/v1/connections?limit=1000", `"files"`, `"orders"`),
		get("role-kit", "/v1/providers/demo/role-kit?format=cli", "aws iam create-role"),
	}
	verify := reading("verify", request{http.MethodPost, "/v1/providers/demo/verify", "", nil}, `"ready"`)
	verify.others = []string{"rate_limited"}
	return append(all, verify)
}

func reading(name string, r request, want ...string) act {
	return act{
		name: name, request: func(*world, string) request { return r },
		check: func(_ *world, _ string, a deploymenttest.Answer) string {
			for _, word := range want {
				if wrong := lacks(a.Body, word); wrong != "" {
					return wrong
				}
			}
			return ""
		},
	}
}
