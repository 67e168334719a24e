package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(small), inputsOf(func(in *Inputs) { in.Physical = map[string]string{"Key": "chosen"} }))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	const account = "eu-central-1:111122223333:"
	want := &Template{
		APIs: []API{{
			LogicalID: "Api", ID: "stack-Api",
			Authorizer: &JWTAuthorizer{Name: "Token", Issuer: "https://issuer.example", Audience: []string{"a", "b"}},
		}},
		Routes: []Route{
			{API: "Api", Function: "Files", Event: "Get", Method: "GET", Path: "/files/{name}"},
			{API: "Api", Function: "Files", Event: "Health", Method: "GET", Path: "/health", Public: true},
		},
		Functions: []Function{{
			LogicalID: "Files", Name: "stack-Files", ARN: "arn:aws:lambda:" + account + "function:stack-Files",
			Package: "./functions/files/bootstrap", Runtime: "provided.al2023", Architecture: "arm64", Role: "role",
			Environment: map[string]string{"SHARED": "shared", "OWN": "mine", "COUNT": "3", "EMPTY": ""},
			MemorySize:  512, Timeout: 29,
		}},
		Roles: []Role{{
			LogicalID: "Role", Name: "role", Path: "/path/", ARN: "arn:aws:iam::111122223333:role/path/role",
			Trust: `{"Statement":[],"Version":"2012-10-17"}`, Retained: true,
			Policies: []Policy{
				{"a", `{"Statement":[{"Action":"a:B","Effect":"Allow","Resource":"arn:aws:dynamodb:` + account + `table/stack-items"}]}`},
				{"z", `{"Statement":[],"Version":"2012-10-17"}`},
			},
		}},
		Tables: []Table{{
			LogicalID: "Table", Name: "stack-items", ARN: "arn:aws:dynamodb:" + account + "table/stack-items",
			PartitionKey: Attribute{"pk", "S"}, SortKey: Attribute{"sk", "N"}, TTLAttribute: "expires_at",
		}},
		Keys: []Key{{
			LogicalID: "Key", ID: "chosen", ARN: "arn:aws:kms:" + account + "key/chosen", Policy: `{"Statement":[]}`, Rotation: true,
		}},
		LogGroups: []LogGroup{{
			LogicalID: "Logs", Name: "stack-Logs", ARN: "arn:aws:logs:" + account + "log-group:stack-Logs:*", RetentionDays: 14,
		}},
		Parameters: map[string]string{"Size": "512", "Word": "abc"},
		Outputs:    map[string]string{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

func TestGeneratedNamesAreStable(t *testing.T) {
	t.Parallel()
	first, err := Parse([]byte(small), inputsOf(nil))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	again, err := Parse([]byte(small), inputsOf(nil))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	other, err := Parse([]byte(small), inputsOf(func(in *Inputs) { in.StackName = "other" }))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	if first.Keys[0].ID != again.Keys[0].ID || len(first.Keys[0].ID) != len("7b1f4e0a-3c52-4d7e-9a41-5f0c2d8e6b13") {
		t.Errorf("key ids: got %q and %q, want the same UUID", first.Keys[0].ID, again.Keys[0].ID)
	}
	if first.Keys[0].ID == other.Keys[0].ID {
		t.Error("two stacks have keys of one id")
	}
}

func TestWithoutAuthorizerEveryRouteIsPublic(t *testing.T) {
	t.Parallel()
	auth := small[strings.Index(small, "    Properties:\n      Auth:"):strings.Index(small, "  Files:")]
	resolved, err := Parse([]byte(strings.Replace(small, auth, "", 1)), inputsOf(nil))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	for _, route := range resolved.Routes {
		if !route.Public {
			t.Errorf("%s is not public, and the API has no authorizer", route.Key())
		}
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	t.Parallel()
	if _, err := Load("none.yaml", inputsOf(nil)); err == nil {
		t.Error("got no error for a file that isn't there")
	}
}
