package deployment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.yaml.in/yaml/v3"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// right is one action that one statement of the template allows to one of the functions' roles.
type right struct {
	resource, sid, action string
	node                  *yaml.Node // the action, in the template
	statement             *yaml.Node // that allows it
}

func (r right) String() string { return r.resource + "/" + r.sid + "/" + r.action }

// needless takes an action's place: everyone may do it, so that allowing it allows nothing.
const needless = "sts:GetCallerIdentity"

// Every permission of the functions' own roles is needed, and that it is missing is seen: without it something that a person
// does comes out differently, and AWS's log names the action. What Lambda itself does with a role is not seen here.
func TestRightsAreNeededOneByOne(t *testing.T) {
	t.Parallel()
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := deploymenttest.InProcess(t, deploymenttest.Options{Bare: true})
			for _, difference := range scenario(t, s) {
				t.Error(difference)
			}
			for _, call := range denied(s) {
				// Who may assume the customer's role is for verify to find out, by being refused.
				if !strings.Contains(call.Resource, ":"+demosite.Account+":") {
					t.Errorf("%s lacks %s on %s", call.Role, call.Action, call.Resource)
				}
			}
		})
	})
	for i, r := range rights(t, parse(t)) {
		if lambdasOwn(r) {
			continue
		}
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			for _, fault := range unneeded(t, parse(t), i) {
				t.Error(fault)
			}
		})
	}
}

// Rights that nothing uses are named, whichever role has them.
func TestNeedlessRightsAreNamed(t *testing.T) {
	t.Parallel()
	for place, action := range map[string]string{
		"GatewayRoleState/Unseal": "kms:Encrypt", "ConfigurationRole/Seal": "kms:Decrypt", "AuditScheduleRole/ListNames": "dynamodb:Query",
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			document := parse(t)
			i := grant(t, document, place, action)
			faults := unneeded(t, document, i)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, "nobody notices that "+place+"/"+action) }) {
				t.Errorf("got %q, want a fault that names %s of %s", faults, action, place)
			}
		})
	}
}

// grant adds an action to a statement that has one or more, and returns the place of the right among [rights].
func grant(t *testing.T, document *yaml.Node, place, action string) int {
	t.Helper()
	first := slices.IndexFunc(rights(t, document), func(r right) bool { return strings.HasPrefix(r.String(), place+"/") })
	if first < 0 {
		t.Fatalf("the template has no statement %s", place)
	}
	actions := member(rights(t, document)[first].statement, "Action")
	if actions.Kind == yaml.ScalarNode {
		only := *actions
		*actions = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{&only}}
	}
	actions.Content = append(actions.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: action})
	return slices.IndexFunc(rights(t, document), func(r right) bool { return r.String() == place+"/"+action })
}

// unneeded says what is wrong with the i-th of the template's rights: that nobody notices when it is gone, or AWS doesn't name it.
func unneeded(t *testing.T, document *yaml.Node, i int) (faults []string) {
	t.Helper()
	r := rights(t, document)[i]
	r.node.Value = needless
	path := filepath.Join(t.TempDir(), "template.yaml")
	write(t, path, document)
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{Template: path, Bare: true})
		differences := scenario(t, s)
		if len(differences) == 0 {
			faults = append(faults, "nobody notices that "+r.String()+" is missing: it is not needed, or no test needs it")
		}
		if !slices.ContainsFunc(denied(s), func(c localaws.Call) bool { return c.Action == r.action }) {
			faults = append(faults, fmt.Sprintf("AWS never said that %s is missing; what was seen: %q", r, differences))
		}
	})
	return faults
}

// lambdasOwn says that Lambda or the scheduler uses a right by itself, where this deployment doesn't do what they do: they write logs,
// and put away invocations that failed. They poll queues too; that is done here as there, and so its rights are seen to be needed.
func lambdasOwn(r right) bool {
	return strings.HasPrefix(r.action, "logs:") || r.sid == "KeepFailures"
}

// denied are the calls that AWS refused to the functions' own roles.
func denied(s *deploymenttest.Stack) []localaws.Call {
	var calls []localaws.Call
	for _, call := range s.AWS.Calls() {
		own := slices.ContainsFunc(s.Template.Roles, func(r template.Role) bool { return call.Role == r.ARN })
		if own && !call.Allowed {
			calls = append(calls, call)
		}
	}
	return calls
}

// scenario is what people do with Arngate, so that each right is needed somewhere. It returns what came out differently.
func scenario(t *testing.T, s *deploymenttest.Stack) (differences []string) {
	t.Helper()
	if err := s.Demo(); err != nil {
		return []string{fmt.Sprintf("the demo site: %v", err)}
	}
	keys := s.User("arngate", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken","s3:*"],"Resource":"*"}]}`)
	const bucket = `"connector":"s3","region":"` + demosite.Region + `","groups":["*"],"buckets":[{"name":"demo-files"}]`
	for _, step := range []struct{ method, path, body, want string }{
		{http.MethodGet, "/v1/me", "", `"files"`},
		{http.MethodGet, "/v1/providers", "", `"ready"`},
		{http.MethodPost, "/v1/providers/demo/verify", "", `"trace":"full"`},
		{http.MethodGet, listing, "", "minted"},
		{http.MethodGet, listing, "", "memory"},
		{recycled, "", "", ""},
		{http.MethodGet, listing, "", "table"},
		{http.MethodPost, "/v1/providers", fmt.Sprintf(
			`{"name":"keys","method":"access_keys","access_key_id":%q,"secret_access_key":%q}`, keys.AccessKeyID, keys.SecretAccessKey), "201"},
		{http.MethodPost, "/v1/providers/keys/verify", "", `"ready"`},
		{http.MethodPost, "/v1/connections", `{"name":"by-keys","provider":"keys",` + bucket + `}`, "201"},
		{http.MethodGet, keysListing, "", "minted"},
		{http.MethodPut, "/v1/connections/by-keys", `{"name":"by-keys","read_only":true,"provider":"demo",` + bucket + `}`, "200"},
		{http.MethodDelete, "/v1/providers/demo/credentials", "", "200"},
		{http.MethodDelete, "/v1/connections/by-keys", "", "204"},
		{http.MethodDelete, "/v1/providers/keys", "", "204"},
		{http.MethodPost, "/v1/audits", `{"providers":["demo"]}`, "queued"},
		{delivered, "", "", ""},
		{http.MethodGet, "/v1/audits?provider=demo", "", `"done"`},
		{scheduled, "", "", ""},
		{delivered, "", "", ""},
		{suppressed, "", "", ""},
		{http.MethodGet, "/v1/dynamodb/orders/tables", "", "Orders"},
		{http.MethodGet, "/v1/lambda/actions/functions", "", demosite.Function},
	} {
		if fault, done := withoutAPI(t, s, step.method); done {
			if fault != nil {
				differences = append(differences, fmt.Sprintf("%s: %v", step.method, fault))
			}
			continue
		}
		token := s.TokenOf(demosite.Site, demosite.User, "arngate/connect", "arngate/admin", "arngate/audit")
		answer := s.Call(step.method, step.path, token, step.body)
		seen := fmt.Sprint(answer.Status, " ", answer.Header.Get("Arngate-Credentials"), " ", answer.Body)
		if answer.Status/100 != 2 || !strings.Contains(seen, step.want) {
			differences = append(differences, fmt.Sprintf("%s %s: %s, want %s", step.method, step.path, seen, step.want))
		}
	}
	return differences
}

// Steps of a scenario that nobody asks the API for.
const (
	recycled  = "new instances"
	delivered = "deliver messages"
	scheduled = "run schedules"
	// suppressed: a finding is suppressed, and no more.
	suppressed = "suppress a finding"
)

// withoutAPI does such a step, and says whether it is one.
func withoutAPI(t *testing.T, s *deploymenttest.Stack, step string) (fault error, done bool) {
	t.Helper()
	switch step {
	case recycled:
		recycle(t, s)
	case delivered:
		fault = deliverAll(t, s)
	case scheduled:
		fault = s.RunSchedules(t.Context())
	case suppressed:
		fault = suppress(s)
	default:
		return nil, false
	}
	return fault, true
}

// deliverAll delivers what is in the queue; that something is to be delivered again, or that nobody was told of it, is a fault.
func deliverAll(t *testing.T, s *deploymenttest.Stack) error {
	t.Helper()
	if _, err := s.Deliver(t.Context()); err != nil {
		return err
	}
	if again := depth(t, s, "AuditQueue", sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible); again != "0" {
		return fmt.Errorf("%s messages come again", again)
	}
	return nil
}

func suppress(s *deploymenttest.Stack) error {
	token := s.TokenOf(demosite.Site, demosite.User, "arngate/admin", "arngate/audit")
	answer := s.Call(http.MethodGet, "/v1/findings", token, "")
	var found struct {
		Items []struct {
			Fingerprint string `json:"fingerprint"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &found); err != nil || len(found.Items) == 0 {
		return fmt.Errorf("no findings: %s", answer.Body)
	}
	path := "/v1/findings/" + found.Items[0].Fingerprint + "/suppression"
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	if answer := s.Call(http.MethodPut, path, token, `{"reason":"known","until":"`+until+`"}`); answer.Status != http.StatusOK {
		return errors.New(answer.Body)
	}
	if answer := s.Call(http.MethodDelete, path, token, ""); answer.Status != http.StatusNoContent {
		return errors.New(answer.Body)
	}
	return nil
}

func parse(t *testing.T) *yaml.Node {
	t.Helper()
	text, err := os.ReadFile(deploymenttest.TemplatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return &document
}

func write(t *testing.T, path string, document *yaml.Node) {
	t.Helper()
	text, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rights are all that the template allows its roles, in the template's order.
func rights(t *testing.T, document *yaml.Node) []right {
	t.Helper()
	var all []right
	resources := member(document.Content[0], "Resources")
	for i := 0; i < len(resources.Content); i += 2 {
		name, resource := resources.Content[i].Value, resources.Content[i+1]
		properties := member(resource, "Properties")
		switch member(resource, "Type").Value {
		case "AWS::IAM::RolePolicy":
			all = append(all, allowed(name, member(properties, "PolicyDocument"))...)
		case "AWS::IAM::Role":
			for _, inline := range member(properties, "Policies").Content {
				all = append(all, allowed(name, member(inline, "PolicyDocument"))...)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("the template allows nothing")
	}
	return all
}

// allowed are the actions of a policy document's statements.
func allowed(resource string, document *yaml.Node) []right {
	var all []right
	for _, statement := range member(document, "Statement").Content {
		action := member(statement, "Action")
		nodes := action.Content
		if action.Kind == yaml.ScalarNode {
			nodes = []*yaml.Node{action}
		}
		for _, node := range nodes {
			all = append(all, right{resource, member(statement, "Sid").Value, node.Value, node, statement})
		}
	}
	return all
}

// member is a map's member of that name; an empty node if it has none.
func member(m *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return &yaml.Node{}
}
