package deployment_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/config"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// load resolves the template, with parameters beside those that it requires.
func load(t *testing.T, parameters ...map[string]string) *template.Template {
	t.Helper()
	declared, err := loadFrom(deploymenttest.TemplatePath(t), parameters...)
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

func loadFrom(path string, parameters ...map[string]string) (*template.Template, error) {
	all := map[string]string{"JwtIssuer": "https://issuer.example", "JwtAudience": deployment.Audience}
	for _, more := range parameters {
		maps.Copy(all, more)
	}
	return template.Load(path, template.Inputs{
		Account: deployment.Account, Region: deployment.Region, StackName: deployment.StackName, Parameters: all,
	})
}

// Every route of the template has an operation in its function, and every operation a route.
func TestTemplateHasTheCodesRoutes(t *testing.T) {
	for _, fault := range routeFaults(deployment.Routes(), load(t)) {
		t.Error(fault)
	}
}

// routeFaults are the routes that only the template or only the code has.
func routeFaults(operations map[string][]string, declared *template.Template) (faults []string) {
	coded, routed := map[string]bool{}, map[string]bool{}
	for function, keys := range operations {
		for _, key := range keys {
			coded[function+" "+key] = true
		}
	}
	for _, route := range declared.Routes {
		key := route.Function + " " + route.Key()
		if route.Public {
			key += " (public)"
		}
		routed[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(coded)) {
		if !routed[key] {
			faults = append(faults, key+" has an operation, and no route in the template")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(routed)) {
		if !coded[key] {
			faults = append(faults, key+" is a route of the template that no operation answers")
		}
	}
	return faults
}

// A function's environment in the template is what its code reads: no more, and no required variable less.
func TestTemplateHasTheCodesVariables(t *testing.T) {
	for _, fault := range variableFaults(variables(t), load(t)) {
		t.Error(fault)
	}
}

func variables(t *testing.T) map[string][]config.Variable {
	t.Helper()
	read, err := deployment.Variables()
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// variableFaults are the variables that only the template or only the code knows.
func variableFaults(read map[string][]config.Variable, declared *template.Template) (faults []string) {
	for _, function := range declared.Functions {
		known := map[string]bool{}
		for _, variable := range read[function.LogicalID] {
			known[variable.Name] = true
			_, there := function.Environment[variable.Name]
			// Lambda itself sets what isn't declared.
			if !there && variable.Name != "AWS_REGION" && !strings.HasPrefix(variable.Name, "AWS_LAMBDA_FUNCTION_") {
				faults = append(faults, fmt.Sprintf("%s reads %s, which the template doesn't declare", function.LogicalID, variable.Name))
			}
		}
		for name := range function.Environment {
			if !known[name] {
				faults = append(faults, fmt.Sprintf("the template gives %s the variable %s, which it doesn't read", function.LogicalID, name))
			}
		}
	}
	if len(declared.Functions) != len(read) {
		faults = append(faults, fmt.Sprintf("the template has %d functions, the code %d", len(declared.Functions), len(read)))
	}
	return faults
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
