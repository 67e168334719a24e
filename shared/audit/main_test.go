package audit_test

import (
	"log/slog"
	"os"
	"testing"
)

// A line for each set of credentials would bury what fails.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
