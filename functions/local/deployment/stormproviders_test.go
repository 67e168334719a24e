package deployment_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/secrettest"
)

const (
	demoRole = "arn:aws:iam::" + demosite.Account + ":role/skuid-assumable-role/" + demosite.RoleName
	nextRole = demoRole + "-next" // that there is none yet is no matter until somebody verifies
	// rotating begins the names of the users whose access keys providers have, and change to.
	rotating = "rotating"
)

func (w *world) twoKeys(t *testing.T) [2]deploymenttest.Keys {
	t.Helper()
	const nothing = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	return [2]deploymenttest.Keys{w.User(rotating, nothing), w.User(rotating+"-next", nothing)}
}

func keysBody(keys deploymenttest.Keys) string {
	return fmt.Sprintf(`"access_key_id":%q,"secret_access_key":%q}`, keys.AccessKeyID, keys.SecretAccessKey)
}

func roleBody(name, role string) string {
	return fmt.Sprintf(`{"name":%q,"method":"assume_role","role_arn":%q}`, name, role)
}

// createdProvider creates a provider before the storm, and keeps its revision.
func createdProvider(body func(w *world, mark string) string) func(*world, string) error {
	return func(w *world, mark string) error {
		if err := w.create("/v1/providers", body(w, mark)); err != nil {
			return err
		}
		w.customer.revisions.Store(mark, "")
		_, err := w.hasRevision(mark)
		return err
	}
}

func (w *world) create(path, body string) error {
	if answer := w.Call(http.MethodPost, path, w.Admin(), body); answer.Status != http.StatusCreated {
		return fmt.Errorf("create by %s: %d %s", path, answer.Status, answer.Body)
	}
	return nil
}

// hasRevision says whether a provider has another revision than when this was asked for the first time.
func (w *world) hasRevision(mark string) (bool, error) {
	entry, _, err := w.customer.configured("PROVIDER", mark)
	revision := textOf(entry, "revision")
	if before, _ := w.customer.revisions.Load(mark); before != "" {
		return revision != before, err
	}
	w.customer.revisions.Store(mark, revision)
	return false, err
}

func textOf(entry map[string]types.AttributeValue, member string) string {
	value, _ := entry[member].(*types.AttributeValueMemberS)
	if value == nil {
		return ""
	}
	return value.Value
}

// providerWrites are the ways to change providers.
func providerWrites() []act {
	onRole := createdProvider(func(_ *world, mark string) string { return roleBody(mark, demoRole) })
	onKeys := createdProvider(func(w *world, mark string) string {
		return fmt.Sprintf(`{"name":%q,"method":"access_keys",`, mark) + keysBody(w.rotation[0])
	})
	has := func(member string, want func(w *world) string) func(*world, string) ([]int, error) {
		return func(w *world, mark string) ([]int, error) {
			entry, _, err := w.customer.configured("PROVIDER", mark)
			return []int{oneIf(textOf(entry, member) == want(w))}, err
		}
	}
	return []act{
		{
			name: "create-provider", repeated: map[string]claim{"name_taken": asDone},
			request: func(w *world, mark string) request {
				secret := secrettest.Plant(secrettest.SecretKey, mark)
				return request{http.MethodPost, "/v1/providers", fmt.Sprintf(`{"name":%q,"method":"access_keys",`, mark) +
					keysBody(deploymenttest.Keys{AccessKeyID: w.rotation[0].AccessKeyID, SecretAccessKey: secret}), nil}
			},
			truth: has("access_key_id", func(w *world) string { return w.rotation[0].AccessKeyID }),
		},
		{
			name: "replace-provider", prepare: onRole, truth: has("role_arn", func(*world) string { return nextRole }),
			request: func(_ *world, mark string) request {
				return request{http.MethodPut, "/v1/providers/" + mark, roleBody(mark, nextRole), nil}
			},
		},
		{
			name: "delete-provider", prepare: onRole, repeated: map[string]claim{"provider_not_found": asDone},
			request: func(_ *world, mark string) request {
				return request{http.MethodDelete, "/v1/providers/" + mark, "", nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				entry, _, err := w.customer.configured("PROVIDER", mark)
				return []int{oneIf(entry == nil)}, err
			},
		},
		{
			name: "rotate-access-key", prepare: onKeys, truth: has("access_key_id", func(w *world) string { return w.rotation[1].AccessKeyID }),
			repeated: map[string]claim{"invalid_request": asDone}, // it has that key already
			request: func(w *world, mark string) request {
				return request{http.MethodPut, "/v1/providers/" + mark + "/access-key", "{" + keysBody(w.rotation[1]), nil}
			},
		},
		{
			name: "revoke-credentials", prepare: onRole,
			request: func(_ *world, mark string) request {
				return request{http.MethodDelete, "/v1/providers/" + mark + "/credentials", "", nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				renewed, err := w.hasRevision(mark)
				return []int{oneIf(renewed)}, err
			},
		},
	}
}
