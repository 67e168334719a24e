package shared_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/arngate/arngate/"

// allowed says which folders of this module the non-test code of a folder, and of those below it, may import besides its
// own. A folder that isn't named falls under the nearest one above that is.
var allowed = map[string]string{
	"functions/configuration": "shared/registry shared/rolekit shared/awsclient shared/permissions " + function,
	"functions/dynamodb":      function,
	"functions/s3":            "shared/awsclient/s3client " + function,
	"functions/lambda":        "shared/awsclient/lambdaclient " + function,
	"functions/auditapi":      "shared/audit shared/credentials shared/registry shared/telemetry " + function,
	"functions/auditworker":   "shared/audit shared/problem shared/registry shared/telemetry",
	"functions/auditschedule": "shared/audit shared/registry shared/telemetry",
	"functions/local":         "functions shared",

	"shared/assembly": "shared/awsclient shared/caller shared/config shared/connection shared/credentials " +
		"shared/httpapi shared/registry shared/seal shared/telemetry",
	"shared/assembly/audits": "shared/assembly shared/audit shared/awsclient/auditclient shared/awsclient/s3client shared/config shared/registry",

	"shared/httpapi":      "shared/caller shared/problem shared/telemetry",
	"shared/connection":   "shared/registry shared/credentials shared/awsclient shared/permissions shared/problem shared/caller shared/telemetry",
	"shared/cursor":       "shared/problem shared/seal",
	"shared/credentials":  "shared/registry shared/permissions shared/seal shared/caller shared/telemetry",
	"shared/registry":     "shared/permissions",
	"shared/audit":        "shared/connection shared/registry shared/credentials shared/awsclient shared/rolekit shared/policy shared/permissions shared/caller shared/telemetry",
	"shared/rolekit":      "shared/permissions shared/policy",
	"shared/permissions":  "shared/policy",
	"shared/policy":       "",
	"shared/seal":         "",
	"shared/awsclient":    "",
	"shared/telemetry":    "",
	"shared/config":       "",
	"shared/caller":       "",
	"shared/problem":      "",
	"shared/localaws":     "shared/policy shared/secrettest",
	"shared/localgateway": "",
	"shared/demosite":     "",
	"shared/secrettest":   "",
}

// function is what the functions stand on.
const function = "shared/connection shared/cursor shared/httpapi shared/permissions shared/problem shared/caller shared/seal"

// linked are the services that every function links the clients for: it calls them itself.
var linked = []string{"dynamodb", "sts", "kms"}

// local is what never ships: only functions/local, and these folders themselves, may import it.
var local = []string{"shared/localaws", "shared/localgateway", "shared/demosite", "shared/secrettest", "functions/local"}

func TestImports(t *testing.T) {
	for folder, imports := range importsOfModule(t) {
		for _, path := range imports {
			if why := forbidden(folder, path); why != "" {
				t.Errorf("%s imports %s: %s", folder, path, why)
			}
		}
	}
}

// The rules are there to refuse: a rule that lets everything through would pass TestImports too.
func TestImportRulesRefuse(t *testing.T) {
	for _, c := range []struct{ folder, path string }{
		{"functions/s3", module + "functions/dynamodb"},
		{"functions/s3", module + "shared/registry"},
		{"functions/s3", module + "shared/localaws"},
		{"shared/httpapi", module + "shared/registry"},
		{"shared/policy", "github.com/aws/aws-sdk-go-v2/aws"},
		{"shared/caller", "net/http"},
		{"shared/localaws/s3", module + "shared/problem"},
		{"shared/credentials", "github.com/aws/aws-lambda-go/lambda"},
		{"shared/awsclient", "github.com/aws/aws-sdk-go-v2/service/s3/types"},
		{"functions/s3/bootstrap", module + "functions/dynamodb"},
		{"functions/s3/bootstrap", module + "shared/assembly/audits"},
		{"shared/assembly", module + "shared/audit"},
		{"shared/nowhere", module + "shared/policy"},
	} {
		if forbidden(c.folder, c.path) == "" {
			t.Errorf("%s may import %s", c.folder, c.path)
		}
	}
}

// forbidden says why a folder must not import a package; empty if it may.
func forbidden(folder, path string) string {
	own, ours := strings.CutPrefix(path, module)
	switch {
	case !ours:
		return foreign(folder, path)
	case isIn(folder, own) || isIn(own, top(folder)):
		return ""
	case slices.ContainsFunc(local, func(l string) bool { return isIn(own, l) }) && !isIn(folder, "functions/local"):
		return "it never ships"
	case strings.HasSuffix(folder, "/bootstrap"):
		if isIn(own, "functions") {
			return "functions never import each other"
		}
		if isIn(own, "shared/assembly/audits") && !strings.HasPrefix(folder, "functions/audit") {
			return "a connector carries no clients that only audits need"
		}
		return ""
	}
	rule, ok := allowed[top(folder)]
	if !ok {
		return "the architecture has no such folder: name it, with what it may import"
	}
	if !slices.ContainsFunc(strings.Fields(rule), func(a string) bool { return isIn(own, a) }) {
		return "not one of those it may import: " + rule
	}
	return ""
}

// foreign says why a folder must not import a package of others.
func foreign(folder, path string) string {
	pure := isIn(folder, "shared/policy") || isIn(folder, "shared/permissions") || isIn(folder, "shared/caller")
	io := path == "net" || path == "os" || isIn(path, "net/http") || isIn(path, "os/exec")
	if pure && (io || isIn(path, "github.com/aws")) {
		return "the package is pure: no AWS, no I/O"
	}
	lambda := isIn(path, "github.com/aws/aws-lambda-go") || isIn(path, "github.com/awslabs/aws-lambda-go-api-proxy")
	mayLambda := folder == "functions/auditworker" /* messages are its edge */ || isIn(folder, "shared/httpapi") || isIn(folder, "shared/localgateway") || isIn(folder, "functions/local") ||
		strings.HasSuffix(folder, "/bootstrap")
	if lambda && !mayLambda {
		return "Lambda's own packages stay at the edge"
	}
	const services = "github.com/aws/aws-sdk-go-v2/service/"
	everywhere := slices.Contains([]string{"shared/assembly", "shared/awsclient", "shared/connection", "shared/credentials"}, folder)
	if service, ok := strings.CutPrefix(path, services); ok && everywhere && !slices.Contains(linked, strings.Split(service, "/")[0]) {
		return "every function would link that service's client, and start later"
	}
	return ""
}

// top is the folder whose rule holds for folder.
func top(folder string) string {
	for at := folder; at != "."; at = filepath.ToSlash(filepath.Dir(at)) {
		if _, ok := allowed[at]; ok {
			return at
		}
	}
	return folder
}

func isIn(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// importsOfModule reads the imports of all code that isn't a test's, by folder.
func importsOfModule(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string]map[string]bool{}
	for _, root := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			folder := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, ".."+string(filepath.Separator))))
			if strings.HasSuffix(folder, "test") { // what helps tests ships with none
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			if imports[folder] == nil {
				imports[folder] = map[string]bool{}
			}
			for _, one := range file.Imports {
				name, err := strconv.Unquote(one.Path.Value)
				if err != nil {
					return err
				}
				imports[folder][name] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sorted := map[string][]string{}
	for folder, names := range imports {
		sorted[folder] = slices.Sorted(maps.Keys(names))
	}
	if len(sorted) < 20 {
		t.Fatalf("found only %d folders", len(sorted))
	}
	return sorted
}
