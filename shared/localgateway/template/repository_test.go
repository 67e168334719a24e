package template_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localgateway/template"
)

const root = "../../.."

// local is the deployment that the local server makes of the template, and that events/local-env.json describes.
var local = template.Inputs{
	Account: "111122223333", Region: "eu-central-1", StackName: "arngate-local",
	Parameters: map[string]string{"JwtIssuer": "https://issuer.demo.example", "JwtAudience": "arngate"},
}

func load(t *testing.T, change func(*template.Inputs)) *template.Template {
	t.Helper()
	in := local
	in.Parameters = maps.Clone(in.Parameters)
	if change != nil {
		change(&in)
	}
	resolved, err := template.Load(filepath.Join(root, "template.yaml"), in)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return resolved
}

func TestRepositoryPublicRoutes(t *testing.T) {
	t.Parallel()
	var public []string
	for _, route := range load(t, nil).Routes {
		if route.Public {
			public = append(public, route.Key())
		}
	}
	want := []string{"GET /v1/health", "GET /v1/openapi.json", "GET /v1/reports/{sealed}"}
	if diff := cmp.Diff(want, public); diff != "" {
		t.Errorf("routes without a token (-want +got):\n%s", diff)
	}
}

func TestRepositoryCORSIsOffByDefault(t *testing.T) {
	t.Parallel()
	if cors := load(t, nil).APIs[0].CORS; cors != nil {
		t.Errorf("got %+v, want none", cors)
	}
	cors := load(t, func(in *template.Inputs) { in.Parameters["CorsOrigins"] = "https://a.example,https://b.example" }).APIs[0].CORS
	if cors == nil {
		t.Fatal("got no CORS for two origins")
	}
	if diff := cmp.Diff([]string{"https://a.example", "https://b.example"}, cors.AllowOrigins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if cors.AllowCredentials || slices.Contains(append(cors.AllowHeaders, cors.ExposeHeaders...), "*") {
		t.Errorf("got %+v, want no credentials and no wildcard", cors)
	}
}

// What outlives the stack is taken up again: nothing is created anew, and the rights are on the old role.
func TestRepositoryTakesUpWhatExists(t *testing.T) {
	t.Parallel()
	const role, key, table, audits = "arn:aws:iam::111122223333:role/old-gateway", "arn:aws:kms:eu-central-1:111122223333:key/old", "old-registry", "old-audits"
	resolved := load(t, func(in *template.Inputs) {
		in.Parameters["ExistingGatewayRoleArn"] = role
		in.Parameters["ExistingKeyArn"] = key
		in.Parameters["ExistingRegistryTable"] = table
		in.Parameters["ExistingAuditsTable"] = audits
	})
	if len(resolved.Keys) != 0 || len(resolved.Tables) != 1 {
		t.Errorf("got keys %v and tables %v, want no key and the cache alone", resolved.Keys, resolved.Tables)
	}
	gateway, ok := resolved.Role("old-gateway")
	if !ok || gateway.LogicalID != "" || gateway.ARN != role || len(gateway.Policies) == 0 {
		t.Errorf("got %+v, want the old role with the template's policies", gateway)
	}
	function, _ := resolved.Function("S3Function")
	if function.Role != "old-gateway" || function.Environment["ARNGATE_KEY_ARN"] != key || function.Environment["ARNGATE_REGISTRY_TABLE"] != table {
		t.Errorf("got role %s and environment %v, want the existing ones", function.Role, function.Environment)
	}
	worker, _ := resolved.Function("AuditWorkerFunction")
	if worker.Role != "old-gateway" || worker.Environment["ARNGATE_AUDITS_TABLE"] != audits {
		t.Errorf("got role %s and environment %v of the worker, want the existing ones", worker.Role, worker.Environment)
	}
}

func TestRepositoryRetainsWhatCantBeMadeAgain(t *testing.T) {
	t.Parallel()
	resolved := load(t, nil)
	retained := map[string]bool{}
	for _, role := range resolved.Roles {
		retained[role.LogicalID] = role.Retained
	}
	for _, table := range resolved.Tables {
		retained[table.LogicalID] = table.Retained
	}
	for _, key := range resolved.Keys {
		retained[key.LogicalID] = key.Retained
	}
	want := map[string]bool{
		"GatewayRole": true, "ConfigurationRole": false, "AuditScheduleRole": false, "SchedulerRole": false,
		"Registry": true, "Audits": true, "CredentialCache": false, "Key": true,
	}
	if diff := cmp.Diff(want, retained); diff != "" {
		t.Errorf("retained (-want +got):\n%s", diff)
	}
}

func TestRepositoryMakefileBuildsEachFunction(t *testing.T) {
	t.Parallel()
	for _, function := range load(t, nil).Functions {
		dry := exec.CommandContext(t.Context(), "make", "-n", "-C", root, "build-"+function.LogicalID, "ARTIFACTS_DIR=/artifacts")
		said, err := dry.CombinedOutput()
		if err != nil {
			t.Errorf("make -n build-%s: %v: %s", function.LogicalID, err, said)
			continue
		}
		for _, want := range []string{`-o "/artifacts/bootstrap"`, " " + function.Package} {
			if !strings.Contains(string(said), want) {
				t.Errorf("make build-%s doesn't say %q: %s", function.LogicalID, want, said)
			}
		}
	}
}

func TestRepositoryLocalEnvironment(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, function := range load(t, nil).Functions {
		maps.Copy(want, function.Environment)
	}
	want["AWS_ENDPOINT_URL"] = "http://172.17.0.1:4566" // the bridge's own address, and the port of sam-local
	var got struct{ Parameters map[string]string }
	decodeFile(t, "local-env.json", &got)
	if diff := cmp.Diff(want, got.Parameters); diff != "" {
		t.Errorf("events/local-env.json (-want +got):\n%s", diff)
	}
}

// event is what the tests read of an API Gateway event.
type event struct {
	Version, RouteKey, RawPath, RawQueryString string
	Headers, PathParameters                    map[string]string
	QueryStringParameters                      map[string]string
	RequestContext                             struct {
		RouteKey   string
		HTTP       struct{ Method, Path string }
		Authorizer *struct {
			JWT struct{ Claims map[string]string }
		}
	}
}

func TestRepositoryHasAnEventForEachRoute(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, route := range load(t, nil).Routes {
		want[route.Key()] = route.Public
	}
	got := map[string]bool{}
	for name, e := range events(t) {
		if _, twice := got[e.RouteKey]; twice {
			t.Errorf("%s is a second event for %s", name, e.RouteKey)
		}
		got[e.RouteKey] = e.RequestContext.Authorizer == nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes and whether they are public (-template +events):\n%s", diff)
	}
}

// Every function has an event: of its routes, of its queue, of its schedule.
func TestRepositoryHasAnEventForEachFunction(t *testing.T) {
	t.Parallel()
	for _, function := range load(t, nil).Functions {
		prefix := strings.ToLower(strings.TrimSuffix(function.LogicalID, "Function"))
		files, err := filepath.Glob(filepath.Join(root, "events", prefix+"-*.json"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no event: %v", function.LogicalID, err)
		}
	}
}

func TestRepositoryEventsAreOfOnePiece(t *testing.T) {
	t.Parallel()
	for name, e := range events(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(e.RouteKey, " ")
			for parameter, value := range e.PathParameters {
				path = strings.ReplaceAll(path, "{"+parameter+"}", value)
			}
			asked, err := url.ParseQuery(e.RawQueryString)
			if err != nil {
				t.Fatalf("rawQueryString: %v", err)
			}
			query := map[string]string{}
			for parameter := range asked {
				query[parameter] = asked.Get(parameter)
			}
			context := e.RequestContext
			got := []string{e.Version, e.RawPath, context.RouteKey, context.HTTP.Method, context.HTTP.Path}
			if diff := cmp.Diff([]string{"2.0", path, e.RouteKey, method, path}, got); diff != "" {
				t.Errorf("version, paths and method (-want +got):\n%s", diff)
			}
			if len(query) != len(e.QueryStringParameters) || !maps.Equal(query, e.QueryStringParameters) && len(query) > 0 {
				t.Errorf("queryStringParameters: got %v, want %v", e.QueryStringParameters, query)
			}
			checkToken(t, e)
		})
	}
}

// checkToken holds the bearer token against the claims that API Gateway puts into the event, lists flattened.
func checkToken(t *testing.T, e event) {
	t.Helper()
	bearer, carries := strings.CutPrefix(e.Headers["authorization"], "Bearer ")
	if e.RequestContext.Authorizer == nil {
		if carries {
			t.Error("a public route's event carries a token")
		}
		return
	}
	parts := strings.Split(bearer, ".")
	if len(parts) != 3 {
		t.Fatal("no bearer token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatalf("decode token: %v", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatalf("decode claims: %v", err)
	}
	for name, claim := range claims {
		if text, isText := claim.(string); isText && text != e.RequestContext.Authorizer.JWT.Claims[name] {
			t.Errorf("claim %s: the token and the authorizer's context differ", name)
		}
	}
	if len(claims) != len(e.RequestContext.Authorizer.JWT.Claims) {
		t.Error("the token and the authorizer's context have different claims")
	}
}

// events are those of API Gateway; those of other triggers, which have no route, are not among them.
func events(t *testing.T) map[string]event {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "events", "*.json"))
	if err != nil {
		t.Fatalf("list events: %v", err)
	}
	out := make(map[string]event, len(files))
	for _, file := range files {
		if name := filepath.Base(file); name != "local-env.json" {
			var e event
			decodeFile(t, name, &e)
			if e.RouteKey != "" {
				out[name] = e
			}
		}
	}
	return out
}

func decodeFile(t *testing.T, name string, out any) {
	t.Helper()
	text, err := fs.ReadFile(os.DirFS(filepath.Join(root, "events")), name)
	if err != nil {
		t.Fatalf("read event: %v", err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
}
