package secrettest

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
)

// Log returns a writer for log lines and metrics. What is written is shown with the test's own output, and fails the test if
// a planted secret is in it. Safe for concurrent use.
func Log(tb testing.TB) io.Writer {
	tb.Helper()
	return log{tb: tb, next: tb.Output()}
}

// Tee is [Log] with what is written going to w in place of the test's output.
func Tee(tb testing.TB, w io.Writer) io.Writer {
	tb.Helper()
	return log{tb: tb, next: w}
}

type log struct {
	tb   testing.TB
	next io.Writer
}

// Write searches p.
func (l log) Write(p []byte) (int, error) {
	for _, kind := range In(string(p)) {
		l.tb.Errorf("a log line holds a %s: %s", kind, p)
	}
	return l.next.Write(p)
}

// Main runs the tests of a package for its TestMain and returns the exit code. The default logger, to which everything goes
// that is logged outside of requests, is silent, and searched: a planted secret in it makes the run fail.
func Main(m *testing.M) int {
	found := &leaks{}
	slog.SetDefault(slog.New(slog.NewJSONHandler(found, &slog.HandlerOptions{Level: slog.LevelDebug})))
	code := m.Run()
	if lines := found.all(); len(lines) > 0 && code == 0 {
		for _, line := range lines {
			_, _ = fmt.Fprintf(os.Stderr, "FAIL: the default log holds a planted secret: %s", line) // nowhere else to say it
		}
		return 1
	}
	return code
}

// leaks keeps the lines in which there is a secret. Safe for concurrent use.
type leaks struct {
	mu    sync.Mutex
	lines []string
}

// Write searches p.
func (l *leaks) Write(p []byte) (int, error) {
	if len(In(string(p))) > 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, string(p))
	}
	return len(p), nil
}

func (l *leaks) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}
