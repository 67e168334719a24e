package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
)

// invocation is a function on its way.
type invocation struct {
	version version
	in      Invocation
	log     log
}

// log collects what a function prints between Lambda's own lines.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the log.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

// outcome is what came of a function's own code.
type outcome struct {
	payload []byte
	err     error
}

// run runs the function until it ends or its time is up. One that doesn't heed its context goes on by itself
// then; Lambda would stop it.
func (s *Service) run(ctx context.Context, i *invocation) result {
	i.in.Log = &i.log
	start := time.Now()
	_, _ = fmt.Fprintf(&i.log, "START RequestId: %s Version: %s\n", i.in.RequestID, i.version.number)

	ctx, cancel := context.WithTimeout(ctx, i.version.Timeout)
	defer cancel()
	ended := make(chan outcome, 1)
	s.running.Go(func() { ended <- i.call(ctx) })
	var out result
	select {
	case o := <-ended:
		out = i.result(o)
		if ctx.Err() != nil {
			out = i.timedOut()
		}
	case <-ctx.Done():
		out = i.timedOut()
	}
	if out.failure != "" {
		_, _ = fmt.Fprintf(&i.log, "%s\n", out.payload)
	}
	took := since(start)
	_, _ = fmt.Fprintf(&i.log, "END RequestId: %s\nREPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\t"+
		"Memory Size: %d MB\tMax Memory Used: %d MB\t\n",
		i.in.RequestID, i.in.RequestID, took, math.Ceil(took), i.version.MemoryMB, min(64, i.version.MemoryMB))
	out.log = i.log.bytes()
	return out
}

// call runs the registered code and turns a panic of it into an error.
func (i *invocation) call(ctx context.Context) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: &panicked{value: p, frames: frames()}}
		}
	}()
	payload, err := i.version.Run(ctx, i.in)
	return outcome{payload: payload, err: err}
}

// panicked is the error that a panic becomes.
type panicked struct {
	value  any
	frames []frame
}

// Error is the panic's own text.
func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// frame is one line of a stack as Lambda's runtime for Go reports it.
type frame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// frames is the stack above the panic.
func frames() []frame {
	var pcs [32]uintptr
	found := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	var out []frame
	for {
		f, more := found.Next()
		out = append(out, frame{Path: f.File, Line: f.Line, Label: f.Function[strings.LastIndex(f.Function, ".")+1:]})
		if !more {
			return out
		}
	}
}

// failure is the payload of a failed function.
type failure struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
	Trace   any    `json:"stackTrace,omitempty"`
}

const (
	unhandled = "Unhandled"
	handled   = "Handled"
)

func (i *invocation) result(o outcome) result {
	if o.err == nil {
		if len(o.payload) > maxAnswer {
			return fail(unhandled, failure{
				Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer),
				Type:    "Function.ResponseSizeTooLarge",
			})
		}
		return result{payload: o.payload}
	}
	if f, is := errors.AsType[*FunctionError](o.err); is {
		kind := unhandled
		if f.Handled {
			kind = handled
		}
		return fail(kind, failure{Message: f.Message, Type: f.Type, Trace: orNothing(f.Trace)})
	}
	if p, is := errors.AsType[*panicked](o.err); is {
		return fail(unhandled, failure{Message: p.Error(), Type: typeName(p.value), Trace: p.frames})
	}
	return fail(unhandled, failure{Message: o.err.Error(), Type: typeName(o.err)})
}

func orNothing(trace []string) any {
	if trace == nil {
		return nil
	}
	return trace
}

// typeName is the name of a value's type without its package, as Lambda's runtime for Go names errors.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func (i *invocation) timedOut() result {
	return fail(unhandled, failure{
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", i.in.RequestID, i.version.Timeout.Seconds()),
		Type:    "Sandbox.Timedout",
	})
}

func fail(kind string, f failure) result {
	text, err := json.Marshal(f)
	if err != nil {
		text = []byte(`{"errorMessage":"the error can't be encoded","errorType":"Runtime.MarshalError"}`)
	}
	return result{payload: text, failure: kind}
}
