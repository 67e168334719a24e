package credentials_test

import (
	"log/slog"
	"os"
	"strconv"
	"testing"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
)

func runStoreContract(t *testing.T) {
	t.Helper()
	credentialstest.Run(t, func(*testing.T) credentials.Store { return credentialstest.NewStore() })
}

func fmtCallers(n int) string { return "callers-" + strconv.Itoa(n) }

// TestMain keeps the log lines of thousands of mints out of the tests' output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
