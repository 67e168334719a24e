// Command release makes what a version of Arngate is delivered as, of the executables that `make build` has made: for each function
// and architecture a zip for Lambda, the templates that deploy them, a list of what is in them (CycloneDX), the licences of
// that, and checksums. The same sources make the same bytes, wherever and whenever they are made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one run of the program.
type release struct {
	root, out, version string
}

// architectures are Lambda's, by Go's names.
func architectures() map[string]string { return map[string]string{"amd64": "x86_64", "arm64": "arm64"} }

func run(ctx context.Context, args []string) error {
	var r release
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&r.root, "root", ".", "the repository's `folder`")
	flags.StringVar(&r.out, "out", "", "write into this `folder`, which is emptied")
	flags.StringVar(&r.version, "version", "0.0.0", "what is released")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if r.out == "" || flags.NArg() == 0 {
		return errors.New("usage: release -out FOLDER [-root FOLDER] [-version VERSION] FUNCTION...")
	}
	return r.make(ctx, flags.Args())
}

func (r release) make(ctx context.Context, functions []string) error {
	if err := os.RemoveAll(r.out); err != nil {
		return fmt.Errorf("empty folder: %w", err)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	work, err := os.MkdirTemp("", "arngate-release-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }() // what is left of it does no harm
	var executables []string
	for _, architecture := range slices.Sorted(keys(architectures())) {
		for _, function := range functions {
			executable := filepath.Join(r.root, "dist", "linux-"+architecture, function, "bootstrap")
			if err := r.zip(function+"-"+architecture+".zip", []file{{name: "bootstrap", path: executable, executable: true}}); err != nil {
				return err
			}
			executables = append(executables, executable)
		}
		if err := r.template(architecture); err != nil {
			return err
		}
	}
	if err := r.bill(executables); err != nil {
		return err
	}
	if err := r.licences(ctx, functions, filepath.Join(work, "licences")); err != nil {
		return err
	}
	return r.checksums()
}

// licences collects the licences of everything that is built in, and the sources that a licence wants to go with it.
func (r release) licences(ctx context.Context, functions []string, folder string) error {
	packages := make([]string, 0, len(functions))
	for _, function := range functions {
		packages = append(packages, "./functions/"+function+"/bootstrap")
	}
	arguments := append([]string{"tool", "-modfile=.ci/tools/go.mod", "go-licenses", "save", "--save_path=" + folder}, packages...)
	if err := r.command(ctx, "go", arguments...); err != nil {
		return err
	}
	files, err := below(folder)
	if err != nil {
		return err
	}
	return r.zip("licences.zip", files)
}

// command runs a program in the repository. What it says is only said if it fails.
func (r release) command(ctx context.Context, name string, arguments ...string) error {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = r.root
	said, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s %s: %w\n%s", name, strings.Join(arguments, " "), err, said)
	}
	return nil
}
