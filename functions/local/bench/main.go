// Command bench measures what Arngate costs and writes BENCHMARKS.md. It runs the benchmarks and the simulations that lie beside
// the code, so that there is one of each, and puts their figures beside those that were to be reached.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, and writes the report and the raw figures. What a suite that fails would have measured is said to be missing in
// the report, and the error names it.
func run(ctx context.Context, args []string, diagnostics io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	out := flags.String("out", "BENCHMARKS.md", "write the report to this `file`")
	raw := flags.String("raw", "bin/bench.txt", "write what the benchmarks print to this `file`, for benchstat")
	once := flags.Bool("once", false, "measure everything once only: the figures mean nothing, but all of it runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *once && *out == "BENCHMARKS.md" {
		return errors.New("-once measures nothing that BENCHMARKS.md should hold: name another file by -out")
	}
	before, err := describe(ctx)
	if err != nil {
		return err
	}
	measured := figures{}
	var printed []byte
	var failed []error
	for _, s := range suites() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if *once {
			s = s.once()
		}
		_, _ = fmt.Fprintf(diagnostics, "== %s\n", s)
		text, err := s.run(ctx)
		printed = append(printed, text...)
		_, _ = diagnostics.Write(text)
		if err != nil {
			failed = append(failed, err)
		}
		measured.read(s.pkg, string(text))
	}
	times := profileTime
	if *once {
		times = "1x"
	}
	_, _ = fmt.Fprintln(diagnostics, "== a profile")
	taken, err := profile(ctx, times)
	if err != nil {
		failed = append(failed, err)
	}
	measured.readProfile(taken)
	after, err := describe(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*raw), 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(*raw, printed, 0o600); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(*out, []byte(render(before, after, measured)), 0o644); err != nil { //nolint:gosec // everybody may read it
		return fmt.Errorf("write report: %w", err)
	}
	return errors.Join(failed...)
}
