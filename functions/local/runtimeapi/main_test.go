package runtimeapi_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/arngate/arngate/shared/secrettest"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	if name := os.Getenv(scriptVariable); name != "" { //nolint:forbidigo // this test's own variable
		return runScript(name)
	}
	defer func() {
		if err := os.RemoveAll(executables()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return secrettest.Main(m)
}
