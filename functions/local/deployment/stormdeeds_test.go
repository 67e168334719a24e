package deployment_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// request is what is sent to the API.
type request struct {
	method, path, body string
	header             http.Header // besides the body's type, which is JSON unless it says otherwise
}

// act is something that callers do. Marks are unique, so that what one did is told from what others did.
type act struct {
	name    string
	prepare func(w *world, mark string) error // before the storm; nil: nothing
	request func(w *world, mark string) request
	// check says what is wrong with a success; nil: nothing can be.
	check func(w *world, mark string, a deploymenttest.Answer) string
	// claims are what a success says of each part, where that isn't that all is done.
	claims func(a deploymenttest.Answer) ([]claim, error)
	// truth is how often each part is there now; nil for what only reads.
	truth func(w *world, mark string) ([]int, error)
	whole bool // all parts are there or none
	// repeated are the codes that an answer may have when an earlier try may have been carried out, and what they claim.
	repeated map[string]claim
	others   []string      // codes that may be answered whatever befalls, and claim that nothing was done
	within   time.Duration // how long it may be sent again; zero: for ever
}

// claim is what an answer says of a write.
type claim int

const (
	asDone      claim = iota
	asDenied          // it was not carried out
	asUnknown         // it may have been, once
	asRetryable       // it may have been, and sending it again does no harm
)

func (c claim) String() string { return [...]string{"done", "denied", "unknown", "retryable"}[c] }

// deed is an act of one caller.
type deed struct {
	act
	mark   string
	token  string
	pause  time.Duration // before it
	claims []claim       // the last answer's, of each part; or of all, if there is one
	said   []string      // the answers
	first  time.Time     // when it was first sent
}

// tries is how often a caller sends what may be sent again.
const tries = 4

// carryOut sends what the deed is until it is answered by something else than that it may be sent again.
func (w *world) carryOut(t *testing.T, d *deed) {
	t.Helper()
	for range tries {
		w.try(t, d)
		if d.claims[0] != asRetryable || len(d.claims) > 1 {
			return
		}
		time.Sleep(time.Second)
	}
}

// repeat sends again, in fair weather, what may be sent again and has not succeeded yet: now it must.
func (w *world) repeat(t *testing.T, plan []deed) {
	t.Helper()
	for i := range plan {
		d := &plan[i]
		if len(d.claims) > 1 || d.claims[0] != asRetryable || d.within > 0 && time.Since(d.first) > d.within {
			continue
		}
		if w.try(t, d); d.claims[0] == asRetryable {
			t.Errorf("%s %s did not succeed when it was sent again: %s", d.name, d.mark, strings.Join(d.said, "\n\t"))
		}
	}
}

// try sends what the deed is once.
func (w *world) try(t *testing.T, d *deed) {
	t.Helper()
	r := d.request(w, d.mark)
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if r.body != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	began := time.Now()
	if d.first.IsZero() {
		d.first = began
	}
	answer := w.Send(r.method, r.path, d.token, strings.NewReader(r.body), header)
	took := time.Since(began)
	d.said = append(d.said, fmt.Sprintf("after %s: %d %s", took, answer.Status, answer.Body))
	if took >= functionTime { // Lambda ends the function then, and nobody gets its answer
		t.Errorf("%s %s took %s", d.name, d.mark, took)
	}
	claims, err := w.read(d, answer)
	if err != nil {
		t.Errorf("%s %s: %v\n\t%s", d.name, d.mark, err, strings.Join(d.said, "\n\t"))
	}
	d.claims = claims
}

// stormy are the codes by which a storm may be told to a caller.
var stormy = []string{"aws_throttled", "aws_unavailable", "deadline_exceeded"}

// read is what an answer claims.
func (w *world) read(d *deed, a deploymenttest.Answer) ([]claim, error) {
	if a.Status/100 == 2 {
		if d.check != nil {
			if wrong := d.check(w, d.mark, a); wrong != "" {
				return []claim{asDone}, fmt.Errorf("a success that is none: %s", wrong)
			}
		}
		if d.act.claims != nil {
			return d.act.claims(a)
		}
		return []claim{asDone}, nil
	}
	var p problemShown
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		return []claim{asUnknown}, fmt.Errorf("the answer is no problem: %w", err)
	}
	if c, ok := d.repeated[p.Code]; ok && len(d.said) > 1 {
		return []claim{c}, nil
	}
	if slices.Contains(d.others, p.Code) {
		return []claim{asDenied}, nil
	}
	c, err := p.claim(a.Status, d.truth != nil)
	return []claim{c}, err
}

// problemShown is what a problem says of whether something was done.
type problemShown struct {
	Code      string `json:"code"`
	Status    int    `json:"status"`
	Retryable bool   `json:"retryable"`
}

func (p problemShown) claim(status int, writes bool) (claim, error) {
	switch {
	case p.Status != status:
		return asUnknown, fmt.Errorf("the problem's status is %d, the answer's %d", p.Status, status)
	case p.Code == "outcome_unknown" && writes && !p.Retryable:
		return asUnknown, nil
	case !slices.Contains(stormy, p.Code):
		return asDenied, fmt.Errorf("%q is not what befell the request", p.Code)
	case p.Retryable:
		return asRetryable, nil
	}
	return asDenied, nil
}

// world is the deployment, and what callers do there.
type world struct {
	*deploymenttest.Stack

	customer customerAccount
	runs     counter // of the customer's function
	acts     []act
}

func newWorld(t *testing.T, s *deploymenttest.Stack) *world {
	t.Helper()
	w := &world{Stack: s, customer: newCustomerAccount(t.Context, s), acts: slices.Concat(itemWrites(), objectWrites(), invocations(), configurationWrites(), reads())}
	if err := w.register(); err != nil {
		t.Fatal(err)
	}
	s.Connection(counting, "lambda", demosite.Provider, `"functions":["`+counting+`"]`)
	return w
}

// plan draws what one client does, and prepares it.
func (w *world) plan(t *testing.T, random *rand.Rand, client int) []deed {
	t.Helper()
	token := w.TokenOf(demosite.Site, fmt.Sprint("client-", client%clients), "arngate/connect", "arngate/admin")
	plan := make([]deed, steps)
	for i := range plan {
		chosen := w.acts[random.IntN(len(w.acts))]
		plan[i] = deed{
			act: chosen, token: token, mark: fmt.Sprintf("%s-%d-%d", chosen.name, client, i),
			pause: time.Duration(random.IntN(3000)) * time.Millisecond,
		}
		if chosen.prepare == nil {
			continue
		}
		if err := chosen.prepare(w, plan[i].mark); err != nil {
			t.Fatalf("prepare %s: %v", plan[i].mark, err)
		}
	}
	return plan
}

// reconcile holds what was answered against what is there, and says how much there was of it.
func (w *world) reconcile(t *testing.T, plans [][]deed) {
	t.Helper()
	tally := map[string]int{}
	for _, d := range slices.Concat(plans...) {
		for _, c := range d.claims {
			tally[c.String()]++
		}
		if d.truth == nil {
			continue
		}
		times, err := d.truth(w, d.mark)
		if err != nil {
			t.Fatalf("look at %s: %v", d.mark, err)
		}
		if wrong := d.wrong(times); wrong != "" {
			t.Errorf("%s %s: %s (%v)\n\t%s", d.name, d.mark, wrong, times, strings.Join(d.said, "\n\t"))
		}
	}
	t.Logf("%d requests of %d kinds, their last answers: %v", len(plans)*steps, len(w.acts), tally)
}

// wrong says how what is there, so many times each part, differs from what was answered.
func (d *deed) wrong(times []int) string {
	claims := d.claims
	if len(claims) == 1 {
		claims = slices.Repeat(claims, len(times))
	}
	if len(claims) != len(times) {
		return fmt.Sprintf("the answer is of %d parts", len(claims))
	}
	for i, c := range claims {
		switch {
		case times[i] > 1:
			return "doubled"
		case d.whole && times[i] != times[0]:
			return "half done"
		case c == asDone && times[i] == 0:
			return "claimed, and not there"
		case c == asDenied && times[i] != 0:
			return "denied, and there"
		}
	}
	return ""
}
