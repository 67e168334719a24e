package deployment_test

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/shared/demosite"
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
	}
}

func oneIf(there bool) int {
	if there {
		return 1
	}
	return 0
}
