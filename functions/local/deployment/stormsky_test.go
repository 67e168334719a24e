package deployment_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// sky is where a storm's trouble comes from. Safe for concurrent use.
type sky struct {
	seed  uint64
	phase atomic.Pointer[phase]

	mu    sync.Mutex
	calls map[string]int             // so far, by kind of trouble and operation
	lives map[string]time.Time       // by access key id: until when AWS takes it
	dead  map[string]map[string]bool // access key ids that it stopped taking, by session and connection
}

// turn begins a phase.
func (s *sky) turn(p *phase) { s.phase.Store(p) }

// squall is a kind of trouble and how many of a hundred calls it befalls.
type squall struct {
	percent int
	fault   localaws.Fault // its Match, if there is one, says which calls these are of
}

// codes are a service's own for throttling, for failing, and for credentials that have expired, with the statuses they come by.
type codes struct {
	throttled, failed, expired                   string
	throttledStatus, failedStatus, expiredStatus int
}

func services() map[string]codes {
	const bad, failed = http.StatusBadRequest, http.StatusInternalServerError
	return map[string]codes{
		"dynamodb": {"ThrottlingException", "InternalServerError", "ExpiredTokenException", bad, failed, bad},
		"s3":       {"SlowDown", "InternalError", "ExpiredToken", http.StatusServiceUnavailable, failed, bad},
		"lambda":   {"TooManyRequestsException", "ServiceException", "ExpiredTokenException", http.StatusTooManyRequests, failed, http.StatusForbidden},
		"sts":      {"Throttling", "InternalFailure", "", bad, failed, 0},
		"kms":      {"ThrottlingException", "KMSInternalException", "", bad, failed, 0},
		"iam":      {"Throttling", "ServiceFailure", "ExpiredToken", bad, failed, http.StatusForbidden},
		"sqs":      {"RequestThrottled", "InternalError", "", http.StatusForbidden, failed, 0},
		"events":   {"ThrottlingException", "InternalException", "", bad, failed, 0},
	}
}

func (c codes) squalls() []squall {
	throttle := localaws.Fault{Status: c.throttledStatus, Code: c.throttled}
	failure := localaws.Fault{Status: c.failedStatus, Code: c.failed}
	return []squall{
		{5, throttle},
		{4, failure},
		{4, localaws.Fault{Cut: true}}, // carried out, and the answer lost
		{3, localaws.Fault{Cut: true, Status: c.failedStatus}},   // not carried out
		{6, localaws.Fault{Delay: 400 * time.Millisecond}},       // more than the cache may take
		{2, localaws.Fault{Delay: 8 * time.Second}},              // carried out late
		{2, localaws.Fault{Delay: time.Hour}},                    // carried out when nobody waits any more
		{2, localaws.Fault{Delay: 3 * time.Second, Status: 503}}, // and after a while, not
	}
}

// worst is the trouble that shows whether what must not be done twice, or not be forgotten, is in good hands. It befalls more calls
// than other trouble does.
func worst() []squall {
	var all []squall
	for service, operations := range map[string][]string{
		"dynamodb": {"PutItem", "UpdateItem", "DeleteItem"}, "s3": {"PutObject", "DeleteObject", "CompleteMultipartUpload"}, "lambda": {"Invoke"},
	} {
		for _, operation := range operations {
			all = append(all, squall{20, localaws.Fault{Service: service, Operation: operation, Cut: true}})
		}
	}
	const refused = "AccessDeniedException" // and not tried again by the SDK
	return append(all,
		// Carried out when nobody waits any more.
		squall{33, localaws.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Delay: time.Hour, Match: foreign}},
		squall{50, localaws.Fault{Service: "events", Operation: "PutEvents", Status: http.StatusForbidden, Code: refused}},
		// So that Lambda delivers again what a worker has answered for.
		squall{20, localaws.Fault{Service: "sqs", Operation: "DeleteMessageBatch", Status: http.StatusForbidden, Code: refused}},
	)
}

// befall has the storm's trouble befall what is called of AWS by the functions, and by nobody else.
func (s *sky) befall(aws *localaws.AWS) {
	s.calls, s.lives, s.dead = map[string]int{}, map[string]time.Time{}, map[string]map[string]bool{}
	for i, squall := range worst() {
		f := squall.fault
		f.Match = func(call localaws.Call) bool {
			return (squall.fault.Match == nil || squall.fault.Match(call)) && s.strikes(fmt.Sprint("worst ", i), squall.percent, call)
		}
		aws.Inject(f)
	}
	for name, c := range services() {
		if c.expired != "" {
			aws.Inject(localaws.Fault{Service: name, Status: c.expiredStatus, Code: c.expired, Match: s.expires})
		}
		for i, squall := range c.squalls() {
			f := squall.fault
			f.Service = name
			f.Match = func(call localaws.Call) bool { return s.strikes(fmt.Sprint(i), squall.percent, call) }
			aws.Inject(f)
		}
	}
	// trap 42: S3 can fail in the body of a success.
	for _, operation := range []string{"CopyObject", "CompleteMultipartUpload"} {
		aws.Inject(localaws.Fault{
			Service: "s3", Operation: operation, Status: http.StatusOK, Code: "InternalError",
			Match: func(call localaws.Call) bool { return s.strikes("in the body", 10, call) },
		})
	}
	// A mint takes its time, and so does a look at the table, or the lease would not be needed.
	aws.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Delay: 500 * time.Millisecond})
	aws.Inject(localaws.Fault{Service: "dynamodb", Delay: tableTime, Match: own})
}

// strikes says whether a kind of trouble befalls a call: one of so many of the operation, and which of them by the seed.
func (s *sky) strikes(kind string, percent int, call localaws.Call) bool {
	if !byFunctions(call) || !s.phase.Load().trouble(call) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	which, of := kind+" "+call.Service+" "+call.Operation, 100/percent
	n := s.calls[which]
	s.calls[which]++
	return s.draw(which, n/of, of) == n%of
}

// draw is a number below n that the seed fixes for the i-th of these.
func (s *sky) draw(which string, i, n int) int {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, which, " ", i)                     // a hash's Write never fails
	return rand.New(rand.NewPCG(s.seed, hash.Sum64())).IntN(n) //nolint:gosec // no secret
}

// expires says whether a call's temporary credentials are among those that AWS no longer takes. They are good for a while
// first: what has just been issued is taken.
func (s *sky) expires(call localaws.Call) bool {
	if own(call) || !byFunctions(call) || !s.phase.Load().trouble(call) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	until, seen := s.lives[call.AccessKeyID]
	if !seen {
		until = time.Now().Add(40*time.Second + time.Duration(s.draw("life", len(s.lives), 120))*time.Second)
		s.lives[call.AccessKeyID] = until
	}
	if time.Now().Before(until) {
		return false
	}
	whose := call.SessionName + " " + call.Tags["arngate:connection"]
	if s.dead[whose] == nil {
		s.dead[whose] = map[string]bool{}
	}
	s.dead[whose][call.AccessKeyID] = true
	return true
}

// expired is how many access keys of that session and connection AWS has stopped taking.
func (s *sky) expired(whose string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dead[whose])
}

// own says that a call was made in Arngate's own account.
func own(c localaws.Call) bool { return strings.Contains(c.Principal, ":"+deployment.Account+":") }

// foreign says that it was made in a customer's.
func foreign(c localaws.Call) bool { return !own(c) }

// byFunctions says that a call was made by a function, not by whoever prepares or looks at the accounts, nor by Lambda for its own.
func byFunctions(c localaws.Call) bool {
	if c.Service == "sqs" && (c.Operation == "ReceiveMessage" || c.Operation == "GetQueueAttributes") {
		return false
	}
	return strings.Contains(c.Principal, ":"+deployment.Account+":assumed-role/") ||
		strings.Contains(c.Principal, ":"+demosite.Account+":assumed-role/"+demosite.RoleName+"/") ||
		strings.Contains(c.Principal, ":"+demosite.Account+":user/"+rotating)
}
