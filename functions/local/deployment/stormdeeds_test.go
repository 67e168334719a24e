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
	// pages are what a success says of each part of each key that it is about, where it is one page, and the cursor of the next one.
	pages func(a deploymenttest.Answer) (told map[string][]claim, next string, err error)
	// truth is how often each part is there now; nil for what only reads.
	truth func(w *world, mark string) ([]int, error)
	whole bool // all parts are there or none
	each  bool // each time that it is sent it may be carried out
	// repeated are the codes that an answer may have when an earlier try may have been carried out, and what they claim.
	repeated map[string]claim
	others   map[string]claim // codes that may be answered whatever befalls, and what they claim
	within   time.Duration    // how long it may be sent again; zero: for ever
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
	again  bool          // the last answer is that it may be sent again
	book   *book         // of what goes on from page to page
}

// tries is how often a caller sends what may be sent again.
const tries = 4

// carryOut sends what the deed is, page by page, until it is answered by something else than that it may be sent again.
func (w *world) carryOut(t *testing.T, d *deed) {
	t.Helper()
	for tried := 0; tried < tries; {
		w.try(t, d)
		switch {
		case d.again:
			tried++
			time.Sleep(time.Second)
		case !d.book.more():
			return
		}
	}
}

// repeat sends again, in fair weather, what may be sent again and has not succeeded yet: now it must.
func (w *world) repeat(t *testing.T, plan []deed) {
	t.Helper()
	for i := range plan {
		d := &plan[i]
		if !d.again || d.within > 0 && time.Since(d.first) > d.within {
			continue
		}
		for w.try(t, d); !d.again && d.book.more(); {
			w.try(t, d)
		}
		if d.again {
			t.Errorf("%s %s did not succeed when it was sent again: %s", d.name, d.mark, strings.Join(d.said, "\n\t"))
		}
	}
}

// try sends what the deed is once.
func (w *world) try(t *testing.T, d *deed) {
	t.Helper()
	r := d.book.turned(d.request(w, d.mark))
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
	d.again = false
	if a.Status/100 == 2 {
		if d.check != nil {
			if wrong := d.check(w, d.mark, a); wrong != "" {
				return []claim{asDone}, fmt.Errorf("a success that is none: %s", wrong)
			}
		}
		switch {
		case d.pages != nil:
			return d.book.read(d.pages(a))
		case d.act.claims != nil:
			return d.act.claims(a)
		}
		return []claim{asDone}, nil
	}
	c, err := d.readProblem(a)
	d.again = c == asRetryable
	if d.book != nil {
		return d.book.stop(c), err
	}
	return []claim{c}, err
}

// readProblem is what a problem claims of the request that it answers.
func (d *deed) readProblem(a deploymenttest.Answer) (claim, error) {
	var p problemShown
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		return asUnknown, fmt.Errorf("the answer is no problem: %w", err)
	}
	if c, ok := d.repeated[p.Code]; ok && len(d.said) > 1 {
		return c, nil
	}
	if c, ok := d.others[p.Code]; ok {
		return c, nil
	}
	return p.claim(a.Status, d.truth != nil)
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

	customer *customerAccount
	runs     counter // of the customer's function
	audits   *audits
	rotation [2]deploymenttest.Keys // of one user
	acts     []act
}

func newWorld(t *testing.T, s *deploymenttest.Stack, customer *customerAccount) *world {
	t.Helper()
	w := &world{Stack: s, customer: customer, acts: slices.Concat(
		itemWrites(), objectWrites(), prefixWrites(), invocations(), configurationWrites(), providerWrites(), auditWrites(),
		reads(), auditReads(),
	)}
	if err := w.register(); err != nil {
		t.Fatal(err)
	}
	s.Connection(counting, "lambda", demosite.Provider, `"functions":["`+counting+`"]`)
	w.rotation = w.twoKeys(t)
	w.audits = w.auditFirst(t)
	return w
}

// deck is every act, and those that write twice: the trouble of a write is worth more.
func (w *world) deck(random *rand.Rand) []act {
	deck := slices.Clone(w.acts)
	for _, a := range w.acts {
		if a.truth != nil {
			deck = append(deck, a)
		}
	}
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// plan deals what the clients do in one phase, so that each act has its turn, and prepares it.
func (w *world) plan(t *testing.T, random *rand.Rand, phase int) [][]deed {
	t.Helper()
	var deck []act
	plans := make([][]deed, clients)
	for i := range clients * steps {
		client := i % clients
		if len(deck) == 0 {
			deck = w.deck(random)
		}
		d := deed{
			act: deck[0], token: w.TokenOf(demosite.Site, fmt.Sprint("client-", client), "arngate/connect", "arngate/admin", "arngate/audit"),
			mark: fmt.Sprintf("%s-%d-%d", deck[0].name, phase, i), pause: time.Duration(random.IntN(3000)) * time.Millisecond,
		}
		deck = deck[1:]
		if d.pages != nil {
			d.book = &book{parts: map[string][]claim{}}
		}
		if d.prepare != nil {
			if err := d.prepare(w, d.mark); err != nil {
				t.Fatalf("prepare %s: %v", d.mark, err)
			}
		}
		plans[client] = append(plans[client], d)
	}
	return plans
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
			t.Errorf("%s %s: %v\n\t%s", d.name, d.mark, err, strings.Join(d.said, "\n\t"))
			continue
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
		case times[i] > 1 && (!d.each || times[i] > len(d.said)):
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
