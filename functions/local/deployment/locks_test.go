package deployment_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

const (
	opens       = "configuration opens what is sealed"
	makesKeys   = "configuration makes data keys"
	readsKeys   = "configuration reads KEYS"
	writesState = "configuration writes STATE#"
	writesKeys  = "configuration writes KEYS"
	writesSite  = "gateway writes SITE#"
)

// What the functions' roles must not do is tried with their own credentials: on the template as it is, and on ones in which a lock
// is taken away, where it must be seen that it is gone. Opening what is sealed has two locks, and each holds alone.
func TestLocksHold(t *testing.T) {
	t.Parallel()
	unconditional := func(sids ...string) func(*yaml.Node) {
		return func(document *yaml.Node) {
			for _, sid := range sids {
				remove(statement(t, document, sid), "Condition")
			}
		}
	}
	opening := func(document *yaml.Node) {
		member(statement(t, document, "Seal"), "Action").Value = "kms:*"
	}
	for name, c := range map[string]struct {
		mutate func(*yaml.Node)
		want   []string
	}{
		"the template":                   {func(*yaml.Node) {}, nil},
		"no condition on observations":   {unconditional("WriteWhatIsObserved"), []string{writesSite}},
		"no condition on reads":          {unconditional("ReadProvidersConnectionsAndState"), []string{readsKeys}},
		"no condition on writes":         {unconditional("WriteProvidersAndConnections"), []string{writesKeys, writesState}},
		"kms:* for configuration":        {opening, nil},
		"a key that opens for everybody": {unconditional("OnlyTheGatewayRoleUnseals"), nil},
		"both": {func(document *yaml.Node) {
			opening(document)
			unconditional("OnlyTheGatewayRoleUnseals")(document)
		}, []string{makesKeys, opens}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := parse(t)
			c.mutate(document)
			path := filepath.Join(t.TempDir(), "template.yaml")
			write(t, path, document)
			synctest.Test(t, func(t *testing.T) {
				s := deploymenttest.InProcess(t, deploymenttest.Options{Template: path})
				if diff := cmp.Diff(c.want, trespasses(t, s)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// trespasses are what the roles could do of what they must not.
func trespasses(t *testing.T, s *deploymenttest.Stack) []string {
	t.Helper()
	configuration, gateway := as(t, s, "ConfigurationFunction"), as(t, s, "DynamodbFunction")
	kms, key := awskms.NewFromConfig(configuration), s.Template.Keys[0].ARN
	sealed, err := kms.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	table := aws.String(deployment.StackName + "-Registry")
	put := func(cfg aws.Config, partition string) error {
		_, err := awsdynamodb.NewFromConfig(cfg).PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: table, Item: keyOf(partition)})
		return err
	}
	var done []string
	for what, try := range map[string]func() error{
		opens: func() error {
			_, err := kms.Decrypt(t.Context(), &awskms.DecryptInput{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob})
			return err
		},
		makesKeys: func() error {
			_, err := kms.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{KeyId: &key, NumberOfBytes: aws.Int32(32)})
			return err
		},
		readsKeys: func() error {
			_, err := awsdynamodb.NewFromConfig(configuration).GetItem(t.Context(), &awsdynamodb.GetItemInput{TableName: table, Key: keyOf("KEYS")})
			return err
		},
		writesState: func() error { return put(configuration, "STATE#"+demosite.OtherSite) },
		writesKeys:  func() error { return put(configuration, "KEYS") },
		writesSite:  func() error { return put(gateway, "SITE#"+demosite.OtherSite) },
	} {
		switch err := try(); {
		case err == nil:
			done = append(done, what)
		case !strings.Contains(err.Error(), "AccessDenied"):
			t.Errorf("%s: %v", what, err)
		}
	}
	slices.Sort(done)
	return done
}

// as is the configuration of clients with the credentials of a function's role.
func as(t *testing.T, s *deploymenttest.Stack, logicalID string) aws.Config {
	t.Helper()
	declared, ok := s.Template.Function(logicalID)
	if !ok {
		t.Fatalf("the template has no %s", logicalID)
	}
	cfg := s.Operator()
	cfg.Credentials = s.Credentials(declared)
	return cfg
}

func keyOf(partition string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: partition}, "sk": &types.AttributeValueMemberS{Value: "TRESPASS"},
	}
}

// statement is the statement with that Sid, wherever it is in the template.
func statement(t *testing.T, document *yaml.Node, sid string) *yaml.Node {
	t.Helper()
	var found []*yaml.Node
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode && member(n, "Sid").Value == sid {
			found = append(found, n)
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(document)
	if len(found) != 1 {
		t.Fatalf("got %d statements %s, want one", len(found), sid)
	}
	return found[0]
}

// remove takes a member away from a map.
func remove(m *yaml.Node, name string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}
