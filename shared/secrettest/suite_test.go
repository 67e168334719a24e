package secrettest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/arngate/arngate/"

// handling are the packages with which a test gets at secrets.
var handling = []string{"shared/seal", "shared/credentials", "shared/localaws/localawstest", "functions/local/deployment/deploymenttest"}

// Wherever tests handle secrets, the default log is watched; the rest is watched where secrets come from: by the local AWS and
// by the deployment of the tests. The local AWS's own tests have nothing that logs.
func TestSecretsAreWatchedEverywhere(t *testing.T) {
	found := 0
	for folder, p := range testsOfModule(t) {
		if !p.handles || strings.HasPrefix(folder, "shared/localaws") {
			continue
		}
		found++
		if !p.watched {
			t.Errorf("the tests of %s handle secrets: add func TestMain(m *testing.M) { os.Exit(secrettest.Main(m)) }", folder)
		}
	}
	if found < 10 {
		t.Errorf("got %d packages whose tests handle secrets, and there are more", found)
	}
}

// A credential that a test makes up by itself isn't found again.
func TestSecretsOfTestsArePlanted(t *testing.T) {
	for folder, p := range testsOfModule(t) {
		if strings.HasPrefix(folder, "shared/localaws") {
			continue // signs with what the documents of AWS show
		}
		for _, place := range p.made {
			t.Errorf("%s: a literal secret; take one of secrettest.Plant", place)
		}
	}
}

// tests are what the test files of a folder do.
type tests struct {
	handles, watched bool
	made             []string // where a secret is a literal
}

func testsOfModule(t *testing.T) map[string]*tests {
	t.Helper()
	all := map[string]*tests{}
	for _, root := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join("..", "..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
			p, ok := all[folder]
			if !ok {
				p = &tests{}
				all[folder] = p
			}
			return p.read(path)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (p *tests) read(path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return err
	}
	for _, imported := range file.Imports {
		name, err := strconv.Unquote(imported.Path.Value)
		if err != nil {
			return err
		}
		if own, ok := strings.CutPrefix(name, module); ok && slices.Contains(handling, own) {
			p.handles = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok && of.Name == "secrettest" && n.Sel.Name == "Main" {
				p.watched = true
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"SecretAccessKey", "SessionToken"}, key.Name) && hasText(n.Value) {
				p.made = append(p.made, set.Position(n.Pos()).String())
			}
		}
		return true
	})
	return nil
}

// hasText reports whether a text of the file's own is the value, or an argument of the call that makes it.
func hasText(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.BasicLit:
		return v.Value != `""`
	case *ast.CallExpr:
		return slices.ContainsFunc(v.Args, hasText) && !isPlant(v)
	}
	return false
}

func isPlant(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "Plant"
}
