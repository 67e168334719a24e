package runtimeapi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build builds a package of the repository at root into the executable out, for this machine and otherwise as the Makefile
// does for Lambda.
func Build(ctx context.Context, root, pkg, out string) error {
	command := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, pkg) //nolint:gosec // the caller's own package
	command.Dir, command.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, text)
	}
	return nil
}
