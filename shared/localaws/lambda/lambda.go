// Package lambda is the Lambda of the local AWS: functions written in Go are registered with it, listed and
// invoked, synchronously, asynchronously and as dry runs. What nobody here needs answers NotImplemented.
package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Function is a function as it is registered.
type Function struct {
	Name        string // 1 to 64 letters, digits, hyphens and underscores
	Runtime     string // empty: provided.al2023
	Description string
	Handler     string        // empty: bootstrap
	Timeout     time.Duration // zero: 3 s, Lambda's own default
	MemoryMB    int           // zero: 128

	// Run does the work. What it returns is the payload as it is: it need not be JSON, and nothing at all is
	// an answer without a payload. An error, a panic and running into the timeout are function errors. The
	// context ends with the timeout; it doesn't end when the client goes away.
	Run func(ctx context.Context, in Invocation) ([]byte, error)
}

// Invocation is one call of a function.
type Invocation struct {
	Payload   []byte // JSON; {} if the client sent none
	Qualifier string // as the client named it, $LATEST if it named none
	Version   string // that runs: $LATEST or a number
	RequestID string
	ARN       string    // the function's, with the qualifier if the client named one
	Log       io.Writer // what a function prints, for LogType Tail; safe for concurrent use
}

// FunctionError is an error of a function with the members that its payload then has. Any other error is reported
// by its Go type and its text, as Lambda's runtime for Go does.
type FunctionError struct {
	Type    string
	Message string
	Trace   []string
	Handled bool // the runtime caught it and the function said so: X-Amz-Function-Error is Handled
}

// Error is the message.
func (f *FunctionError) Error() string { return f.Message }

// latest is the qualifier of what has not been published.
const latest = "$LATEST"

// Service holds the functions of every account and region. Its methods are safe for concurrent use.
type Service struct {
	now func() time.Time

	mu        sync.RWMutex
	functions map[place]map[string]*function
	running   sync.WaitGroup
}

type place struct{ account, region string }

// function is a registered function with its versions.
type function struct {
	versions map[string]version // $LATEST and numbers
	aliases  map[string]string  // to versions
	last     int                // the newest number

	policies map[string]*resourcePolicy // by qualifier; that of the function itself is under the empty one
}

// version is one version of a function. It never changes.
type version struct {
	Function

	number   string
	revision string
	modified time.Time
}

// New returns a Lambda without functions. The clock dates what is registered; how long a function runs is measured by
// the real one.
func New(now func() time.Time) *Service {
	return &Service{now: now, functions: make(map[place]map[string]*function)}
}

// Close waits until no function runs any more.
func (s *Service) Close() error {
	s.running.Wait()
	return nil
}

// Register makes a function callable in an account and region, or replaces its $LATEST. It fails if the name
// can't be a function's or if there is nothing to run.
func (s *Service) Register(account, region string, f Function) error {
	if !functionName.MatchString(f.Name) {
		return fmt.Errorf("register function: %q is no name for a function", f.Name)
	}
	if f.Run == nil {
		return fmt.Errorf("register function %s: nothing to run", f.Name)
	}
	f.Runtime, f.Handler = cmp.Or(f.Runtime, "provided.al2023"), cmp.Or(f.Handler, "bootstrap")
	f.Timeout, f.MemoryMB = cmp.Or(f.Timeout, 3*time.Second), cmp.Or(f.MemoryMB, 128)

	s.mu.Lock()
	defer s.mu.Unlock()
	here := place{account, region}
	if s.functions[here] == nil {
		s.functions[here] = make(map[string]*function)
	}
	known := s.functions[here][f.Name]
	if known == nil {
		known = &function{
			versions: make(map[string]version), aliases: make(map[string]string), policies: make(map[string]*resourcePolicy),
		}
		s.functions[here][f.Name] = known
	}
	known.versions[latest] = version{Function: f, number: latest, revision: newRevision(), modified: s.now()}
	return nil
}

// errUnknown is returned for a function that isn't registered.
var errUnknown = errors.New("no such function")

// Publish makes $LATEST as it is now a version, and returns its number.
func (s *Service) Publish(account, region, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[place{account, region}][name]
	if f == nil {
		return "", fmt.Errorf("publish %s: %w", name, errUnknown)
	}
	f.last++
	v := f.versions[latest]
	v.number, v.revision = strconv.Itoa(f.last), newRevision()
	f.versions[v.number] = v
	return v.number, nil
}

// Alias points an alias of a function to one of its versions.
func (s *Service) Alias(account, region, name, alias, number string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[place{account, region}][name]
	if f == nil {
		return fmt.Errorf("alias %s: %w", name, errUnknown)
	}
	if _, known := f.versions[number]; !known {
		return fmt.Errorf("alias %s of %s: no version %s", alias, name, number)
	}
	f.aliases[alias] = number
	return nil
}

// find is the version that a qualifier names.
func (s *Service) find(t target) (version, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.functions[place{t.account, t.region}][t.name]
	if f == nil {
		return version{}, false
	}
	number := cmp.Or(t.qualifier, latest)
	if aliased, is := f.aliases[number]; is {
		number = aliased
	}
	v, found := f.versions[number]
	return v, found
}

// all are the versions of an account's functions by name, $LATEST first; without published ones unless asked for.
func (s *Service) all(here place, published bool) []version {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []version
	for _, f := range s.functions[here] {
		for number, v := range f.versions {
			if published || number == latest {
				found = append(found, v)
			}
		}
	}
	slices.SortFunc(found, func(a, b version) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.order(), b.order()))
	})
	return found
}

// order is where a version stands among those of its function.
func (v version) order() int {
	n, err := strconv.Atoi(v.number)
	if err != nil {
		return 0
	}
	return n
}

// Resolve names the operation and the access that it needs.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	r, err := parse(c)
	if err != nil {
		return nil, err
	}
	c.Operation, c.State = r.name, r
	if found := s.policyOf(r.target); found != nil {
		r.access.ResourcePolicy = found.document
	}
	return []protocol.Access{r.access}, nil
}

// Serve carries out an authorized call that Resolve has seen. Errors that are not a [*protocol.Error] are
// faults of the local AWS itself.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	r, ok := c.State.(*request)
	if !ok {
		return errors.New("serve Lambda call: it has not been resolved")
	}
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	return r.serve(s, w, c, r)
}
