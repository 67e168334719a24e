package localaws

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/sts"
)

// Call is one line of the call log: a request that reached a service, as it was decided and answered.
type Call struct {
	Time      time.Time
	Service   string // signing name: dynamodb, s3, lambda, sts, iam, kms, sqs, events
	Region    string
	Operation string // as the service names it; empty if the request could not be understood

	// Action and Resource are the access that was denied, or the first one the call needed. An operation
	// that needs no permission (GetCallerIdentity) has its name for an action and no resource.
	Action   string
	Resource string
	Accesses []Access // all that were evaluated, in order

	Principal      string // ARN; empty for anonymous calls and where the signature was refused
	Role           string // ARN of the role, path included, of a session's role
	SessionName    string
	SourceIdentity string
	Tags           map[string]string // the principal's; for AssumeRole see Requested
	AccessKeyID    string            // as sent

	Requested Requested // what an AssumeRole or GetFederationToken asked for

	Allowed   bool   // authenticated and every access allowed
	Status    int    // HTTP; zero if the connection was cut
	Code      string // AWS's error code; empty on success
	UserAgent string
	RequestID string
}

// Access is one permission that was evaluated for a call.
type Access struct {
	Action   string
	Resource string
	Allowed  bool
}

// Requested is what a call to STS asked for.
type Requested = sts.Requested

// callLog keeps the calls and tells the subscribers. Its zero value is ready.
type callLog struct {
	mu          sync.Mutex
	calls       []Call
	limit       int // the most that are kept; zero keeps all
	subscribers map[int]func(Call)
	next        int
}

// Calls returns the calls so far in the order in which they were answered.
func (a *AWS) Calls() []Call {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	return slices.Clone(a.log.calls)
}

// ResetCalls forgets the calls so far.
func (a *AWS) ResetCalls() {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	a.log.calls = nil
}

// Subscribe has f called for every later call, before the answer is complete, until cancel is called.
// f runs on the goroutine that serves the call and must neither block nor call back into the log.
func (a *AWS) Subscribe(f func(Call)) (cancel func()) {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	if a.log.subscribers == nil {
		a.log.subscribers = make(map[int]func(Call))
	}
	id := a.log.next
	a.log.next++
	a.log.subscribers[id] = f
	return func() {
		a.log.mu.Lock()
		defer a.log.mu.Unlock()
		delete(a.log.subscribers, id)
	}
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	l.calls = append(l.calls, c)
	if l.limit > 0 && len(l.calls) > l.limit {
		l.calls = slices.Clone(l.calls[len(l.calls)-l.limit/2:])
	}
	keys := slices.Sorted(maps.Keys(l.subscribers))
	tell := make([]func(Call), 0, len(keys))
	for _, k := range keys {
		tell = append(tell, l.subscribers[k])
	}
	l.mu.Unlock()
	for _, f := range tell {
		f(c)
	}
}
