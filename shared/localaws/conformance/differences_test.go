package conformance

import (
	_ "embed"
	"strings"
	"sync"
	"testing"
)

// differencesFile is the one list of what the oracles do otherwise than AWS.
//
//go:embed differences.md
var differencesFile string

// rowPrefixes are what the rows of each oracle begin with.
var rowPrefixes = map[string]string{minIO: "minio/", dynamoDBLocal: "dynamodb-local/"}

// differences are the rows of the file by name, with their reasons.
var differences = sync.OnceValue(func() map[string]string {
	rows := make(map[string]string)
	for line := range strings.Lines(differencesFile) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		name := strings.TrimSpace(cells[0])
		if strings.Contains(name, "/") && len(cells) == 5 {
			rows[name] = strings.TrimSpace(cells[4])
		}
	}
	return rows
})

// excused reports whether differences.md has the row, and it is this oracle's.
func excused(oracle, row string) bool {
	return differences()[row] != "" && strings.HasPrefix(row, rowPrefixes[oracle])
}

// TestDifferences holds the file against the suite: every row has a reason and is used, and none is missing.
func TestDifferences(t *testing.T) {
	used := make(map[string]bool)
	for _, s := range s3Situations() {
		used[s.but] = true
	}
	for _, s := range dynamoDBSituations() {
		used[s.but] = true
	}
	for _, e := range append(dynamoDBExcuses(), s3Excuses()...) {
		used[e.row] = true
	}
	for _, tr := range dynamoDBTranslations() {
		used[tr.row] = true
	}
	for _, row := range settledRows {
		used[row] = true
	}
	delete(used, "")
	for row := range used {
		if differences()[row] == "" {
			t.Errorf("differences.md has no row %s, or no reason in it", row)
		}
	}
	for row := range differences() {
		if !used[row] {
			t.Errorf("nothing uses row %s of differences.md", row)
		}
	}
}
