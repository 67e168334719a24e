package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is where and when something was measured, and of what.
type machine struct {
	time      time.Time
	processor string
	cores     int
	memory    string
	system    string
	version   string // of Go
	load      string // average of one minute; empty where the system doesn't tell
	commit    string
	changed   bool // since the commit
}

func describe(ctx context.Context) (machine, error) {
	commit, err := git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return machine{}, err
	}
	// BENCHMARKS.md itself is what changes by measuring.
	status, err := git(ctx, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!BENCHMARKS.md")
	if err != nil {
		return machine{}, err
	}
	m := machine{
		time: time.Now().UTC(), cores: runtime.NumCPU(), system: runtime.GOOS + "/" + runtime.GOARCH, version: runtime.Version(),
		commit: commit, changed: status != "",
		processor: firstOf("/proc/cpuinfo", "model name"), memory: firstOf("/proc/meminfo", "MemTotal"),
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load, _, _ = strings.Cut(string(text), " ")
	}
	return m, nil
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output() //nolint:gosec // the callers' own words
	if err != nil {
		return "", fmt.Errorf("ask git for %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// firstOf is the value of the first line with that name in a file of /proc; "unknown" where there is none.
func firstOf(path, name string) string {
	text, err := os.ReadFile(path) //nolint:gosec // one of two
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if before, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(before) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
