package localaws

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Fault is a failure that a test asks for. It befalls the calls it matches, authenticated ones whose
// operation is known, before they are authorized.
type Fault struct {
	Service   string // signing name; empty matches every service
	Operation string // empty matches every operation
	Match     func(Call) bool
	Count     int // how many calls it befalls; zero means all until ClearFaults

	// Status is that of the error answer; zero with a Code means 400. With 200 the error stands in the body of a
	// success, as S3's CopyObject, UploadPartCopy and CompleteMultipartUpload can answer (traps.md 42).
	Status  int
	Code    string // AWS's code, for example ThrottlingException; empty with a Status means InternalFailure
	Message string // empty means one that says that it was asked for

	Delay time.Duration // waited before anything else; ends early with the request

	// Cut closes the connection instead of answering. The call has been carried out by then, as when an
	// answer is lost; with a Code or a Status it has not.
	Cut bool
}

// fails says whether the fault stops the call from being carried out.
func (f *Fault) fails() bool { return f.Code != "" || f.Status != 0 }

// asError is the answer of a fault that fails.
func (f *Fault) asError() *protocol.Error {
	e := &protocol.Error{Status: f.Status, Code: f.Code, Message: f.Message}
	if e.Code == "" {
		e.Code = "InternalFailure"
	}
	if e.Message == "" {
		e.Message = "A fault that was asked for."
	}
	return e
}

// faults holds what tests have asked for. Its zero value is ready.
type faults struct {
	mu     sync.Mutex
	active []*Fault
}

// Inject adds a fault. Where several match a call, the one injected first befalls it.
func (a *AWS) Inject(f Fault) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.active = append(a.faults.active, &f)
}

// ClearFaults withdraws every fault.
func (a *AWS) ClearFaults() {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.active = nil
}

// take returns the fault that befalls a call, counted down, or false if there is none.
func (fs *faults) take(c Call) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.active {
		if !f.matches(c) {
			continue
		}
		taken := *f
		if f.Count == 1 {
			fs.active = slices.Delete(fs.active, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		return taken, true
	}
	return Fault{}, false
}

func (f *Fault) matches(c Call) bool {
	return (f.Service == "" || f.Service == c.Service) &&
		(f.Operation == "" || f.Operation == c.Operation) &&
		(f.Match == nil || f.Match(c))
}

// wait sleeps for the fault's delay or until the request ends.
func (f *Fault) wait(ctx context.Context) {
	if f.Delay <= 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// cutConnection ends a request without an answer: net/http closes the connection, Transport returns an
// error that wraps [io.ErrUnexpectedEOF].
func cutConnection() { panic(http.ErrAbortHandler) }
