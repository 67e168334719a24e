package credentials_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/credentials/credentialstest"
	"github.com/arngate/arngate/shared/secrettest"
)

func runStoreContract(t *testing.T) {
	t.Helper()
	credentialstest.Run(t, func(*testing.T) credentials.Store { return credentialstest.NewStore() })
}

func fmtCallers(n int) string { return "callers-" + strconv.Itoa(n) }

func TestMain(m *testing.M) { os.Exit(secrettest.Main(m)) }
