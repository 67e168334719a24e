package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// environment is one process with a Runtime API of its own.
type environment struct {
	number  int
	options Options
	process *exec.Cmd
	server  *http.Server
	work    chan *task    // what the runtime gets for its next
	exited  chan struct{} // closed when the process is gone

	mu        sync.Mutex
	reserved  int // invocations that have been let in
	waiting   int // requests of the runtime that wait for work
	frozen    bool
	running   map[string]*task // by request id
	initError *Error           // as the runtime reported it
	exit      error            // how the process ended
}

// start starts a process with room for one invocation reserved.
func start(ctx context.Context, number int, o Options, output io.Writer, ending *sync.WaitGroup) (*environment, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	e := &environment{
		number: number, options: o, reserved: 1, running: map[string]*task{},
		work: make(chan *task), exited: make(chan struct{}),
	}
	variables, err := e.variables(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	// The process outlives the invocation that it was started for, and so its context.
	e.process = exec.CommandContext(context.WithoutCancel(ctx), o.Executable) //nolint:gosec // the caller's own program
	e.process.Env, e.process.Dir = variables, os.TempDir()
	e.process.Stdout, e.process.Stderr = output, output
	e.server = &http.Server{Handler: e.handler(), ReadHeaderTimeout: time.Minute}
	if err := e.process.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ending.Go(func() { _ = e.server.Serve(listener) }) // it ends when it is closed
	ending.Go(e.wait)
	return e, nil
}

// wait waits for the process to end, and ends what served it.
func (e *environment) wait() {
	err := e.process.Wait()
	e.mu.Lock()
	e.exit = err
	e.mu.Unlock()
	close(e.exited)
	_ = e.server.Close() // nobody is left to talk to
}

// variables are the process's environment.
func (e *environment) variables(address string) ([]string, error) {
	all := map[string]string{}
	if e.options.Environment != nil {
		given, err := e.options.Environment()
		if err != nil {
			return nil, fmt.Errorf("make its variables: %w", err)
		}
		maps.Copy(all, given)
	}
	maps.Copy(all, map[string]string{
		"AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": e.options.Name,
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(e.options.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + e.options.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME": fmt.Sprintf("[$LATEST]%032d", e.number),
		"_HANDLER":                   "bootstrap", "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC",
	})
	if e.options.Concurrency > 1 {
		all["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(e.options.Concurrency)
	}
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	return list, nil
}

// invoke has the runtime run a task, and waits for its answer. A process that has had its time is gone when it returns.
func (e *environment) invoke(ctx context.Context, t *task) ([]byte, error) {
	limit := time.NewTimer(initTime)
	defer limit.Stop()
	select {
	case e.work <- t:
		t.handed = time.Now()
	case <-e.exited:
		return e.death(t)
	case <-limit.C:
		e.destroy()
		return nil, &Error{Timeout, "the runtime did not ask for work within " + initTime.String()}
	case <-ctx.Done():
		e.destroy()
		return nil, ctx.Err()
	}
	limit.Reset(e.options.Timeout)
	select {
	case a := <-t.answered:
		return a.payload, a.err
	case <-e.exited:
		return e.death(t)
	case <-limit.C:
		e.destroy()
		return nil, &Error{Timeout, fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", t.id, e.options.Timeout.Seconds())}
	case <-ctx.Done():
		e.destroy()
		return nil, ctx.Err()
	}
}

// death is what became of a task whose process is gone: nothing, unless it was answered before.
func (e *environment) death(t *task) ([]byte, error) {
	select {
	case a := <-t.answered:
		return a.payload, a.err
	default:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.initError != nil {
		return nil, e.initError
	}
	how := "Runtime exited without providing a reason"
	if e.exit != nil {
		how = "Runtime exited with error: " + e.exit.Error()
	}
	return nil, &Error{ExitError, "RequestId: " + t.id + " Error: " + how}
}

// reserve lets one more invocation in, if there is room, and thaws what is frozen.
func (e *environment) reserve() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reserved >= e.options.Concurrency || e.hasEnded() {
		return false
	}
	e.reserved++
	e.thaw()
	return true
}

func (e *environment) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reserved--
	e.rest()
}

// rest freezes the process if it is idle: nothing is let in, and all that it can do is wait. The caller holds mu.
func (e *environment) rest() {
	if !e.options.Freeze || e.frozen || e.reserved > 0 || e.waiting < e.options.Concurrency {
		return
	}
	e.frozen = e.process.Process.Signal(syscall.SIGSTOP) == nil
}

// thaw lets the process run again. The caller holds mu.
func (e *environment) thaw() {
	if e.frozen {
		_ = e.process.Process.Signal(syscall.SIGCONT) // one that is gone needs none
		e.frozen = false
	}
}

// terminate asks the process to end, and makes it.
func (e *environment) terminate() {
	e.mu.Lock()
	_ = e.process.Process.Signal(syscall.SIGTERM) // one that is gone has done so
	e.thaw()
	e.mu.Unlock()
	limit := time.NewTimer(endTime)
	defer limit.Stop()
	select {
	case <-e.exited:
	case <-limit.C:
		e.destroy()
	}
}

// destroy ends the process and waits until it is gone.
func (e *environment) destroy() {
	_ = e.process.Process.Kill() // one that is gone is what is wanted
	<-e.exited
}

func (e *environment) hasEnded() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

func (e *environment) describe() Environment {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Environment{Number: e.number, PID: e.process.Process.Pid, Frozen: e.frozen}
}
