package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A zip is the same whenever its files were written, and another one if a byte of them is.
func TestZipDependsOnItsFilesAlone(t *testing.T) {
	r := release{out: t.TempDir()}
	path := filepath.Join(t.TempDir(), "bootstrap")
	write := func(content string, written time.Time) string {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		if err := r.zip("x.zip", []file{{name: "bootstrap", path: path, executable: true}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(r.out, "x.zip"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := write("one", time.Unix(1e9, 0))
	if write("one", time.Unix(1.5e9, 0)) != first {
		t.Error("the zip depends on when its file was written")
	}
	if write("two", time.Unix(1e9, 0)) == first {
		t.Error("the zip doesn't depend on what is in its file")
	}
}

// The templates of a release deploy its zips, for their architecture, and are otherwise the repository's.
func TestTemplateDeploysTheZips(t *testing.T) {
	r := release{root: filepath.Join("..", "..", ".."), out: t.TempDir()}
	source, err := os.ReadFile(filepath.Join(r.root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for architecture, name := range architectures() {
		if err := r.template(architecture); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(r.out, "template-"+architecture+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		functions := strings.Count(string(source), "Type: AWS::Serverless::Function")
		if got := strings.Count(string(text), "-"+architecture+".zip"); got != functions {
			t.Errorf("%d zips are named for %d functions", got, functions)
		}
		for _, want := range []string{"CodeUri: s3-" + architecture + ".zip", "Default: " + name} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %q in the template for %s", want, architecture)
			}
		}
		if strings.Contains(string(text), "BuildMethod") || strings.Contains(string(text), "CodeUri: .\n") {
			t.Error("the template would build from sources")
		}
	}
}
