package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/outbox"
)

// keptKeys bounds the access keys whose calls wait for their request's log line.
const keptKeys = 1000

// live shows a line per AWS call in customers' accounts, with the connection and where the credentials came from. The
// local AWS knows the call, the function's log line the rest: it comes when the request is answered.
// As an [io.Writer] it takes the functions' log lines. Safe for concurrent use.
type live struct {
	out io.Writer

	mu      sync.Mutex
	on      bool
	waiting map[string][]localaws.Call // by access key id
	keys    map[string]string          // access key id by request id of the call
}

func newLive(out io.Writer) *live {
	return &live{out: out, waiting: map[string][]localaws.Call{}, keys: map[string]string{}}
}

// begin starts to show: what the demo's set-up called is left out.
func (l *live) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = true
}

// call takes a call from the local AWS. One to STS is shown at once; one by the gateway in its own account isn't.
func (l *live) call(c localaws.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Operation == "AssumeRole" {
		l.show("%s %s as %s%s", c.Action, c.Resource, c.Requested.SessionName, denied(c))
		return
	}
	if c.SessionName == "" || account(c.Principal) == deployment.Account {
		return
	}
	if len(l.keys) >= keptKeys { // of requests that never came to an end
		clear(l.keys)
		clear(l.waiting)
	}
	l.waiting[c.AccessKeyID] = append(l.waiting[c.AccessKeyID], c)
	l.keys[c.RequestID] = c.AccessKeyID
}

// event takes an event that was put on a bus.
func (l *live) event(e outbox.Event) {
	var detail struct {
		Provider string `json:"provider"`
		Finding  struct {
			Severity string `json:"severity"`
			Rule     string `json:"rule"`
		} `json:"finding"`
	}
	if json.Unmarshal([]byte(e.Detail), &detail) != nil { // it isn't ours, then
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.show("events:PutEvents %s: %s %s of %s", e.DetailType, detail.Finding.Severity, detail.Finding.Rule, detail.Provider)
}

// Write takes lines of functions' logs, whole ones.
func (l *live) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		l.request(line)
	}
	return len(lines), nil
}

// request shows the calls of a request that has ended, if that is what the line says.
func (l *live) request(text []byte) {
	var line struct {
		Message      string `json:"msg"`
		Connection   string `json:"connection"`
		Credentials  string `json:"credentials"`
		AWSRequestID string `json:"aws_request_id"`
	}
	if json.Unmarshal(text, &line) != nil || line.Message != "request" || line.AWSRequestID == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := l.keys[line.AWSRequestID]
	for _, c := range l.waiting[key] {
		l.show("%s %s %s credentials %s%s", c.Action, line.Connection, c.SessionName, line.Credentials, denied(c))
		delete(l.keys, c.RequestID)
	}
	delete(l.waiting, key)
}

func (l *live) show(format string, args ...any) {
	if l.on {
		_, _ = fmt.Fprintf(l.out, format+"\n", args...) // a terminal that is gone needs no line
	}
}

func denied(c localaws.Call) string {
	if c.Allowed {
		return ""
	}
	return " DENIED"
}

// account is the account id within an ARN.
func account(arn string) string {
	colons := 0
	for i := range len(arn) {
		if arn[i] != ':' {
			continue
		}
		if colons++; colons == 4 {
			rest := arn[i+1:]
			return rest[:min(12, len(rest))]
		}
	}
	return ""
}
