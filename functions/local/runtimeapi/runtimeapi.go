// Package runtimeapi is AWS Lambda's Runtime API on loopback, for tests and measurements: it runs a function's executable in
// as many execution environments as invocations need at a time, and freezes, thaws, times out and ends them as Lambda does.
//
// What it answers follows AWS Lambda's developer guide: "Using the Lambda runtime API for custom runtimes", "Understanding the
// Lambda execution environment lifecycle", "Defined runtime environment variables" and "Lambda quotas".
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// maxAnswer is the most that a buffered answer may have, in bytes.
	maxAnswer = 6_291_556
	// initTime is what an environment has until it asks for its first invocation.
	initTime = 10 * time.Second
	// endTime is what it has between SIGTERM and SIGKILL.
	endTime = 2 * time.Second
)

// Types of errors that Lambda reports for a function, besides the function's own.
const (
	ExitError   = "Runtime.ExitError"             // its process ended
	Timeout     = "Sandbox.Timedout"              // its time, or the time to start, was over
	AnswerError = "Function.ResponseSizeTooLarge" // its answer was over 6,291,556 bytes
	TrailError  = "Runtime.TruncatedResponse"     // its answer ended early, without the function saying why
	unknownType = "Runtime.UnknownReason"         // it failed and did not say how
)

// Options of [New]. Name, Executable and Timeout are required.
type Options struct {
	Name       string
	ARN        string
	Executable string // path of the program that Lambda would find as bootstrap
	Timeout    time.Duration
	MemoryMB   int // as the function is told; nothing enforces it

	// Environment returns what an environment that starts gets besides Lambda's own variables, such as the role's
	// credentials; nil: nothing. Nothing is inherited.
	Environment func() (map[string]string, error)

	// Concurrency is how many invocations one environment may have under way; 0 is 1, the one that all on-demand functions
	// have. More is told to the function as AWS_LAMBDA_MAX_CONCURRENCY.
	Concurrency int

	// Freeze stops an environment whenever nothing runs in it, as Lambda does.
	Freeze bool

	// Output gets what environments write to standard output and error; nil: nobody does.
	Output io.Writer
}

// Function is a function that can be invoked. Safe for concurrent use.
type Function struct {
	options Options
	output  io.Writer

	mu           sync.Mutex
	environments []*environment // those that have not ended
	started      int
	closed       bool
	ending       sync.WaitGroup
}

// Invocation is what a function is called with.
type Invocation struct {
	Payload []byte
	TraceID string // X-Ray's, empty: one is made up
	// ClientContext is JSON, in Lambda's own form; empty: none.
	ClientContext string
}

// Result is how an invocation went. On an error the environment that ran it is named still.
type Result struct {
	Payload     []byte
	Environment int       // the environment that ran it, from 1
	Cold        bool      // which was started for it
	Handed      time.Time // when it was handed the invocation: it had asked for one
}

// Error is a failed invocation, as Lambda reports it to who invoked.
type Error struct {
	Type    string // one of the constants here, or the function's own
	Message string
}

// Error is the type and the message.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// ErrClosed is what an invocation ends with after Close.
var ErrClosed = errors.New("the function is closed")

// New returns a function. Nothing runs before it is invoked.
func New(o Options) (*Function, error) {
	if o.Name == "" || o.Executable == "" || o.Timeout <= 0 {
		return nil, fmt.Errorf("make function %q: name, executable and timeout are required", o.Name)
	}
	o.Concurrency = max(o.Concurrency, 1)
	f := &Function{options: o, output: io.Discard}
	if o.Output != nil {
		f.output = &lockedWriter{to: o.Output}
	}
	return f, nil
}

// Invoke runs the function once: in an environment that has room, or in a new one. A failure of the function is an [*Error].
// Who stops waiting, by ctx, ends the environment.
func (f *Function) Invoke(ctx context.Context, in Invocation) (Result, error) {
	e, cold, err := f.take(ctx)
	if err != nil {
		return Result{Cold: cold}, err
	}
	defer e.release()
	t := newTask(in)
	payload, err := e.invoke(ctx, t)
	return Result{Payload: payload, Environment: e.number, Cold: cold, Handed: t.handed}, err
}

// take reserves room for one invocation.
func (f *Function) take(ctx context.Context) (e *environment, cold bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false, ErrClosed
	}
	f.environments = slices.DeleteFunc(f.environments, (*environment).hasEnded)
	for _, e := range f.environments {
		if e.reserve() {
			return e, false, nil
		}
	}
	f.started++
	e, err = start(ctx, f.started, f.options, f.output, &f.ending)
	if err != nil {
		return nil, true, fmt.Errorf("start environment %d: %w", f.started, err)
	}
	f.environments = append(f.environments, e)
	return e, true, nil
}

// Environment is one that runs.
type Environment struct {
	Number int
	PID    int
	Frozen bool
}

// Environments are those that have not ended, oldest first.
func (f *Function) Environments() []Environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.environments = slices.DeleteFunc(f.environments, (*environment).hasEnded)
	out := make([]Environment, 0, len(f.environments))
	for _, e := range f.environments {
		out = append(out, e.describe())
	}
	return out
}

// Close ends all environments as Lambda does: thawed, SIGTERM, and SIGKILL for what is there two seconds later. Invocations
// under way fail.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	for _, e := range f.environments {
		f.ending.Go(e.terminate)
	}
	f.mu.Unlock()
	f.ending.Wait()
}

// lockedWriter lets many write, one after another.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes all of p before anybody else's.
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
