package configuration_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/secrettest"
)

// keyBody is the body that enters an access key.
func keyBody(id, secret string) string {
	return fmt.Sprintf(`{"access_key_id":%q,"secret_access_key":%q}`, id, secret)
}

// user is an IAM user for a provider with access keys, with its first key.
type user struct {
	iam        *awsiam.Client
	name       string
	id, secret string
}

// newUser makes a user in the demo customer's account that has the kit's policy, and a provider with its first key, verified.
func newUser(t *testing.T, s *deploymenttest.Stack) user {
	t.Helper()
	u := user{iam: awsiam.NewFromConfig(s.Customer()), name: "arngate-keys"}
	if _, err := u.iam.CreateUser(t.Context(), &awsiam.CreateUserInput{UserName: &u.name}); err != nil {
		t.Fatal(err)
	}
	u.id, u.secret = u.key(t)
	read[any](t, s.Call(post, "/v1/providers", s.Admin(), strings.Replace(keyBody(u.id, u.secret), "{", `{"name":"keys","method":"access_keys",`, 1)))
	s.Connection("key-orders", "dynamodb", "keys", `"tables":["Orders"]`)
	kit := read[kit](t, s.Call(get, "/v1/providers/keys/role-kit?account="+demosite.Account, s.Admin(), ""))
	_, err := u.iam.PutUserPolicy(t.Context(), &awsiam.PutUserPolicyInput{
		UserName: &u.name, PolicyName: &kit.PolicyName, PolicyDocument: aws.String(string(kit.Permission)),
	})
	if err != nil {
		t.Fatal(err)
	}
	u.verify(t, s)
	return u
}

func (u user) key(t *testing.T) (id, secret string) {
	t.Helper()
	made, err := u.iam.CreateAccessKey(t.Context(), &awsiam.CreateAccessKeyInput{UserName: &u.name})
	if err != nil {
		t.Fatal(err)
	}
	return *made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey
}

func (u user) verify(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	if got := s.Call(post, "/v1/providers/keys/verify", s.Admin(), ""); got.Field("status") != "ready" {
		t.Fatalf("verify: %s", got.Body)
	}
}

const keyPath = "/v1/providers/keys/access-key"

// The new key works and is tried before; the old one can then be deactivated as the answer says, and nothing breaks.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	u := newUser(t, s)
	old := s.Call(get, "/v1/providers/keys", s.Admin(), "")
	if old.Field("access_key_age_days") != "0" || old.Field("access_key_since") == "" {
		t.Errorf("no age of the key in %s", old.Body)
	}
	id, secret := u.key(t)
	rotated := conditional(s, put, keyPath, keyBody(id, secret), old.Header.Get("ETag"))
	want(t, rotated, http.StatusOK, "")
	if rotated.Field("replaced_access_key_id") != old.Field("access_key_id") || rotated.Field("access_key_id") != id || rotated.Field("status") != "unverified" {
		t.Errorf("got %s", rotated.Body)
	}
	if rotated.Header.Get("ETag") == old.Header.Get("ETag") || strings.Contains(rotated.Body+s.Logs.String(), secret) {
		t.Error("the ETag is the old one's, or the secret is out")
	}
	u.verify(t, s)
	u.deactivate(t, rotated.Field("deactivate_command"))
	want(t, s.Call(get, "/v1/dynamodb/key-orders/tables/Orders/items", s.Builder(), ""), http.StatusOK, "")
	keys, err := u.iam.ListAccessKeys(t.Context(), &awsiam.ListAccessKeysInput{UserName: &u.name})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys.AccessKeyMetadata {
		if active := key.Status == types.StatusTypeActive; active != (*key.AccessKeyId == id) {
			t.Errorf("key %s is %s", *key.AccessKeyId, key.Status)
		}
	}
}

// deactivate does what the command says, which a shell takes apart.
func (u user) deactivate(t *testing.T, command string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `aws() { printf '%s\n' "$@"; }; `+command).Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimSpace(string(out)), "\n")
	option := func(name string) *string {
		for _, word := range words {
			if value, ok := strings.CutPrefix(word, "--"+name+"="); ok {
				return &value
			}
		}
		t.Fatalf("no %s in %q", name, words)
		return nil
	}
	_, err = u.iam.UpdateAccessKey(t.Context(), &awsiam.UpdateAccessKeyInput{
		UserName: option("user-name"), AccessKeyId: option("access-key-id"), Status: types.StatusType(*option("status")),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A key that can't take the old one's place changes nothing.
func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, rotationRefuses)
}

func rotationRefuses(t *testing.T) {
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	u := newUser(t, s)
	before := s.Call(get, "/v1/providers/keys", s.Admin(), "")
	id, secret := u.key(t)
	otherID, otherSecret := s.AWS.AddAccount("777788889999")
	rootID, rootSecret := s.AWS.AddRootKey(demosite.Account)
	for _, c := range []struct {
		name, path, body string
		at               []string
	}{
		{"wrong secret", keyPath, keyBody(id, secrettest.Plant(secrettest.SecretKey, "wrong")), []string{"/access_key_id"}},
		{"unknown key", keyPath, keyBody("AKIA0123456789ABCDEF", secret), []string{"/access_key_id"}},
		{"another account's", keyPath, keyBody(otherID, otherSecret), []string{"/access_key_id"}},
		{"the root user's", keyPath, keyBody(rootID, rootSecret), []string{"/access_key_id"}},
		{"the same key", keyPath, keyBody(u.id, u.secret), []string{"/access_key_id"}},
		{"a temporary key", keyPath, keyBody("ASIA0123456789ABCDEF", ""), []string{"/access_key_id", "/secret_access_key"}},
		{"nothing", keyPath, `{}`, []string{"/access_key_id", "/secret_access_key"}},
		{"of a provider with a role", "/v1/providers/demo/access-key", keyBody(id, secret), nil},
	} {
		got := s.Call(put, c.path, s.Admin(), c.body)
		want(t, got, http.StatusUnprocessableEntity, problem.InvalidRequest)
		if strings.Join(pointers(t, got), " ") != strings.Join(c.at, " ") {
			t.Errorf("%s: faults at %v, want %v", c.name, pointers(t, got), c.at)
		}
	}
	want(t, conditional(s, put, keyPath, keyBody(id, secret), `"stale"`), http.StatusPreconditionFailed, problem.ETagMismatch)
	s.AWS.Inject(localaws.Fault{Service: "sts", Operation: "GetCallerIdentity", Count: 10, Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"})
	want(t, s.Call(put, keyPath, s.Admin(), keyBody(id, secret)), http.StatusBadGateway, problem.AWSUnavailable)
	s.AWS.ClearFaults()
	if after := s.Call(get, "/v1/providers/keys", s.Admin(), ""); after.Body != before.Body || after.Header.Get("ETag") != before.Header.Get("ETag") {
		t.Errorf("changed from %s to %s", before.Body, after.Body)
	}
}

// trap 9: a key that was just made is unknown to AWS for some seconds. It is waited for, but not for ever; a wrong secret of a
// key that is known isn't waited for at all.
func TestTrap9RotationWaitsForANewKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		u := newUser(t, s)
		id, secret := u.key(t)
		for _, c := range []struct {
			unknown time.Duration
			body    string
			status  int
			took    time.Duration // at most; it is more than the second before
		}{
			{time.Hour, keyBody(id, secret), http.StatusUnprocessableEntity, 16 * time.Second},
			{0, keyBody(id, secrettest.Plant(secrettest.SecretKey, "wrong")), http.StatusUnprocessableEntity, time.Second},
			{6 * time.Second, keyBody(id, secret), http.StatusOK, 8 * time.Second},
		} {
			began := time.Now()
			s.AWS.Inject(localaws.Fault{
				Service: "sts", Operation: "GetCallerIdentity", Status: http.StatusForbidden, Code: "InvalidClientTokenId",
				Match: func(localaws.Call) bool { return time.Since(began) < c.unknown },
			})
			got := s.Call(put, keyPath, s.Admin(), c.body)
			want(t, got, c.status, "")
			if took := time.Since(began); took > c.took || took < c.took-time.Second {
				t.Errorf("unknown for %s: it took %s, want about %s", c.unknown, took, c.took)
			}
			s.AWS.ClearFaults()
		}
	})
}

// The function has nobody's credentials but the key's own: STS sees the user, in the customer's account.
func TestTrap5RotationAsksWithTheNewKey(t *testing.T) {
	t.Parallel()
	s := deploymenttest.Start(t)
	u := newUser(t, s)
	id, secret := u.key(t)
	s.AWS.ResetCalls()
	want(t, s.Call(put, keyPath, s.Admin(), keyBody(id, secret)), http.StatusOK, "")
	for _, call := range s.AWS.Calls() {
		if call.Service == "sts" && !strings.Contains(call.Principal, ":"+deployment.Account+":") && call.AccessKeyID != id {
			t.Errorf("%s with key %s of %s", call.Operation, call.AccessKeyID, call.Principal)
		}
		if call.Operation == "GetCallerIdentity" && call.AccessKeyID != id {
			t.Errorf("asked with %s", call.Principal)
		}
	}
}
