package deployment_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/secrettest"
)

// policyAllowing is a user's policy.
func policyAllowing(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
}

// A user's keys that may make federated sessions: requests run on such a session, under the connection's session policy, in
// the caller's name, and never on the keys themselves.
func TestAccessKeysMakeFederatedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		keys := s.User("arngate", policyAllowing(`"sts:GetFederationToken","s3:*","dynamodb:*"`))
		if status := s.KeyProvider("keys", keys, ""); status != "ready" {
			t.Fatalf("the provider is %s", status)
		}
		s.Connection("look", "s3", "keys", `"read_only":true,"buckets":[{"name":"demo-files"}]`)
		answer, calls := usedBy(t, s, "look")
		if answer.Status != http.StatusOK || len(calls) != 1 {
			t.Fatalf("got %d %s after %d calls", answer.Status, answer.Body, len(calls))
		}
		user := "arn:aws:sts::" + demosite.Account + ":federated-user/" + credentials.FederationName(demosite.User, demosite.Site)
		if got := calls[0].Principal; got != user || calls[0].AccessKeyID == keys.AccessKeyID {
			t.Errorf("the bucket was asked by %s with %s, want %s", got, calls[0].AccessKeyID, user)
		}
		for _, call := range s.AWS.Calls() {
			if call.Operation == "GetFederationToken" && call.Requested.Duration != time.Hour {
				t.Errorf("the session was asked for %s", call.Requested.Duration)
			}
		}
		other := s.TokenOf(demosite.Site, "lin@example.com", "arngate/connect")
		if got := s.Call(http.MethodGet, "/v1/s3/look/buckets/demo-files/objects", other, ""); got.Header.Get("Arngate-Credentials") != "minted" {
			t.Errorf("another user's credentials come from %q", got.Header.Get("Arngate-Credentials"))
		}
	})
}

// Without that permission nothing is used in its place: the answer holds the statement to add. Only a provider that was
// saved so uses an unscoped session, which has no policy and no name.
func TestAccessKeysWithoutFederation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		keys := s.User("narrow", policyAllowing(`"s3:*"`))
		for scoping, wanted := range map[string]struct {
			status string
			http   int
			calls  int
		}{"": {"unusable", http.StatusFailedDependency, 0}, "none": {"ready", http.StatusOK, 1}} {
			name := "by-" + scoping
			status := s.KeyProvider(name, keys, scoping)
			s.Connection(name, "s3", name, `"buckets":[{"name":"demo-files"}]`)
			answer, calls := usedBy(t, s, name)
			if status != wanted.status || answer.Status != wanted.http || len(calls) != wanted.calls {
				t.Errorf("scoping %q: the provider is %s, the answer %d %s, after %d calls", scoping, status, answer.Status, answer.Body, len(calls))
			}
			if wanted.calls == 0 && (answer.Field("code") != "provider_unusable" || !strings.Contains(answer.Field("hint"), `"Action": "sts:GetFederationToken"`)) {
				t.Errorf("scoping %q: the answer doesn't hold the statement to add: %s", scoping, answer.Body)
			}
			for _, call := range calls {
				if call.AccessKeyID == keys.AccessKeyID || !strings.Contains(call.Principal, ":user/narrow") {
					t.Errorf("scoping %q: the bucket was asked by %s with %s", scoping, call.Principal, call.AccessKeyID)
				}
			}
		}
	})
}

// The permission can be lost after verify: then the request fails, with the same hint, and the next 30 seconds ask nobody.
func TestAccessKeysThatLoseTheirRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		keys := s.User("losing", policyAllowing(`"sts:GetFederationToken","s3:*"`))
		s.KeyProvider("losing", keys, "")
		s.Connection("losing", "s3", "losing", `"buckets":[{"name":"demo-files"}]`)
		s.UserPolicy("losing", policyAllowing(`"s3:*"`))
		for _, asks := range []bool{true, false} {
			answer, calls := usedBy(t, s, "losing")
			if answer.Field("code") != "provider_unusable" || !strings.Contains(answer.Field("hint"), "sts:GetFederationToken") || len(calls) > 0 {
				t.Errorf("got %d %s after %d calls", answer.Status, answer.Body, len(calls))
			}
			if got := slices.ContainsFunc(s.AWS.Calls(), isSTS); got != asks {
				t.Errorf("STS was asked: %t, want %t", got, asks)
			}
		}
	})
}

// The root's keys may do everything, whatever a policy says: they are refused.
func TestRootKeysAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		id, secret := s.AWS.AddRootKey(demosite.Account)
		for _, scoping := range []string{"", "none"} {
			name := "root-" + scoping
			status := s.KeyProvider(name, deploymenttest.Keys{AccessKeyID: id, SecretAccessKey: secret}, scoping)
			s.Connection(name, "s3", name, `"buckets":[{"name":"demo-files"}]`)
			answer, calls := usedBy(t, s, name)
			if status == "ready" || answer.Status != http.StatusFailedDependency || len(calls) > 0 {
				t.Errorf("scoping %q: the provider is %s, the answer %d %s, after %d calls", scoping, status, answer.Status, answer.Body, len(calls))
			}
		}
	})
}

// trap 5: an access key's id is no secret. Another site that enters it, with any secret, gets nothing by it, not even from an
// instance that has just signed as the key's owner.
func TestTrap5AnotherSiteKnowsTheID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		keys := s.User("owner", policyAllowing(`"sts:GetFederationToken","s3:*"`))
		if status := s.KeyProvider("owner", keys, ""); status != "ready" {
			t.Fatalf("the owner's provider is %s", status)
		}
		mallory := s.TokenOf(demosite.OtherSite, "mallory@example.com", "arngate/admin")
		want(t, s.Call(http.MethodPost, "/v1/providers", mallory, fmt.Sprintf(
			`{"name":"taken","method":"access_keys","access_key_id":%q,"secret_access_key":%q}`,
			keys.AccessKeyID, secrettest.Plant(secrettest.SecretKey, "guessed"))), http.StatusCreated, "taken")
		s.Verify("owner")
		if got := s.Call(http.MethodPost, "/v1/providers/taken/verify", mallory, ""); got.Field("status") != "unusable" {
			t.Errorf("got %d %s, want another site's provider unusable", got.Status, got.Body)
		}
	})
}

// Who may seal a secret can't open it: the configuration's role only encrypts, and no other role of the account decrypts.
func TestSealingIsApartFromOpening(t *testing.T) {
	s := deploymenttest.InProcess(t, deploymenttest.Options{})
	key := s.Template.Keys[0].ARN
	administrator := awskms.NewFromConfig(s.Operator())
	configuration := awskms.NewFromConfig(as(t, s, "ConfigurationFunction"))
	sealed, err := configuration.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]*awskms.Client{"configuration": configuration, "an administrator": administrator} {
		_, err := client.Decrypt(t.Context(), &awskms.DecryptInput{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob})
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s opens what is sealed: %v", name, err)
		}
		_, err = client.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{KeyId: &key, NumberOfBytes: aws.Int32(32)})
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s makes data keys: %v", name, err)
		}
	}
}

// A sealed secret opens only for the site and provider that it was sealed for: in another's place it is of no use.
func TestSealedKeysCannotBeMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.KeyProvider("mine", s.User("arngate", policyAllowing(`"sts:GetFederationToken","s3:*"`)), "")
		table := registry.NewStore(awsdynamodb.NewFromConfig(s.Operator()), deployment.StackName+"-Registry")
		mine, err := table.Provider(t.Context(), demosite.Site, "mine")
		if err != nil {
			t.Fatal(err)
		}
		for site, name := range map[string]string{demosite.OtherSite: "mine", demosite.Site: "moved"} {
			moved := mine
			moved.Site, moved.Name = site, name
			if _, err := table.CreateProvider(t.Context(), moved); err != nil {
				t.Fatal(err)
			}
			s.AWS.ResetCalls()
			thief := s.TokenOf(site, "thief", "arngate/admin")
			answer := s.Call(http.MethodPost, "/v1/providers/"+name+"/verify", thief, "")
			if answer.Status == http.StatusOK || slices.ContainsFunc(s.AWS.Calls(), isSTS) {
				t.Errorf("%s of %s uses the keys of another: %d %s", name, site, answer.Status, answer.Body)
			}
		}
	})
}

func isSTS(c localaws.Call) bool { return c.Service == "sts" }
