package deployment_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// load resolves the template, with parameters beside those that it requires.
func load(t *testing.T, parameters ...map[string]string) *template.Template {
	t.Helper()
	all := map[string]string{"JwtIssuer": "https://issuer.example", "JwtAudience": deployment.Audience}
	for _, more := range parameters {
		maps.Copy(all, more)
	}
	declared, err := template.Load(deploymenttest.TemplatePath(t), template.Inputs{
		Account: deployment.Account, Region: deployment.Region, StackName: deployment.StackName, Parameters: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

// Every route of the template has an operation in its function, and every operation a route.
func TestTemplateHasTheCodesRoutes(t *testing.T) {
	declared := map[string][]string{}
	for _, route := range load(t).Routes {
		key := route.Key()
		if route.Public {
			key += " (public)"
		}
		declared[route.Function] = append(declared[route.Function], key)
	}
	for _, routes := range declared {
		slices.Sort(routes)
	}
	if diff := cmp.Diff(deployment.Routes(), declared); diff != "" {
		t.Errorf("routes of the code (-) and of the template (+):\n%s", diff)
	}
}

// A function's environment in the template is what its code reads: no more, and no required variable less.
func TestTemplateHasTheCodesVariables(t *testing.T) {
	read, err := deployment.Variables()
	if err != nil {
		t.Fatal(err)
	}
	declared := load(t)
	for _, function := range declared.Functions {
		known := map[string]bool{}
		for _, variable := range read[function.LogicalID] {
			known[variable.Name] = true
			_, there := function.Environment[variable.Name]
			// Lambda itself sets the two that aren't declared.
			if !there && variable.Name != "AWS_REGION" && variable.Name != "AWS_LAMBDA_FUNCTION_NAME" {
				t.Errorf("%s reads %s, which the template doesn't declare", function.LogicalID, variable.Name)
			}
		}
		for name := range function.Environment {
			if !known[name] {
				t.Errorf("the template gives %s the variable %s, which it doesn't read", function.LogicalID, name)
			}
		}
	}
	if len(declared.Functions) != len(read) {
		t.Errorf("the template has %d functions, the code %d", len(declared.Functions), len(read))
	}
}

// Every table is named to a function, has what the code relies on, and is used.
func TestTemplateHasTheCodesTables(t *testing.T) {
	declared := load(t)
	named := map[string]bool{}
	for _, function := range declared.Functions {
		for name, value := range function.Environment {
			if strings.HasSuffix(name, "_TABLE") {
				named[value] = true
			}
		}
	}
	tables := map[string]template.Table{}
	for _, table := range declared.Tables {
		tables[table.Name] = table
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(tables))); diff != "" {
		t.Errorf("tables that functions know (-) and that the template makes (+):\n%s", diff)
	}
	cache := tables[deployment.StackName+"-CredentialCache"]
	if cache.TTLAttribute != "expires_at" {
		t.Errorf("time to live of the credential cache is by %q, want expires_at", cache.TTLAttribute)
	}
	registry := tables[deployment.StackName+"-Registry"]
	if registry.PartitionKey.Name != "pk" || registry.SortKey.Name != "sk" || !registry.PointInTimeRecovery || !registry.Retained {
		t.Errorf("the registry is not as the code and the operator need it: %+v", registry)
	}
}

// Each function's executable is where the template says.
func TestTemplateHasTheCodesExecutables(t *testing.T) {
	for _, function := range load(t).Functions {
		text, err := os.ReadFile(deploymenttest.Root(t) + "/" + function.Package + "/main.go")
		if err != nil {
			t.Errorf("%s: %v", function.LogicalID, err)
			continue
		}
		if !strings.Contains(string(text), "package main") || function.Handler != "bootstrap" {
			t.Errorf("%s is not an executable named bootstrap", function.LogicalID)
		}
	}
}

// The committed OpenAPI document is the code's.
func TestOpenAPIIsNotStale(t *testing.T) {
	want, err := deployment.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(deploymenttest.Root(t) + "/functions/configuration/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("functions/configuration/openapi.json is stale: make openapi")
	}
}
