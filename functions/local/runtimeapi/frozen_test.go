package runtimeapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// hang stops a process behind its environment's back.
func hang(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

// line is what carries bytes between functions and AWS. It can go dead: what is on its way then is lost, and nobody is told.
type line struct {
	listener net.Listener
	to       string
	dead     atomic.Int64 // connections up to this number are dead
	number   atomic.Int64 // of the newest
	taking   sync.WaitGroup

	mu          sync.Mutex
	connections []*connection
}

// connection is one from a function to AWS.
type connection struct {
	from, to net.Conn
	carrying sync.WaitGroup // both ways
}

func newLine(t *testing.T, endpoint string) *line {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, to: u.Host}
	l.taking.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			l.connect(t.Context(), from)
		}
	})
	t.Cleanup(l.close)
	return l
}

func (l *line) connect(ctx context.Context, from net.Conn) {
	to, err := new(net.Dialer).DialContext(ctx, "tcp", l.to)
	if err != nil {
		_ = from.Close()
		return
	}
	n, c := l.number.Add(1), &connection{from: from, to: to}
	c.carrying.Go(func() { l.carry(n, to, from) })
	c.carrying.Go(func() { l.carry(n, from, to) })
	l.mu.Lock()
	l.connections = append(l.connections, c)
	l.mu.Unlock()
}

// carry copies until an end is closed, and tells the other of it unless the connection is dead.
func (l *line) carry(n int64, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		read, err := from.Read(buffer)
		if l.dead.Load() >= n {
			_, _ = io.Copy(io.Discard, from) // taken, and gone
			return
		}
		if _, failed := to.Write(buffer[:read]); err != nil || failed != nil {
			_ = to.Close()
			return
		}
	}
}

// awaitClosed returns when all connections, which AWS has closed, are closed at the functions' ends too.
func (l *line) awaitClosed() {
	for _, c := range l.all() {
		c.carrying.Wait()
	}
}

func (l *line) all() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.connections)
}

// die has every connection that there is go dead.
func (l *line) die() { l.dead.Store(l.number.Load()) }

func (l *line) close() {
	_ = l.listener.Close()
	l.taking.Wait()
	for _, c := range l.all() {
		_, _ = c.from.Close(), c.to.Close()
		c.carrying.Wait()
	}
}

// trap 12: while an environment is frozen its connections are closed, or die without anybody telling it, and its clock falls
// behind AWS's. The first invocation after the thaw works all the same, reads as well as writes, and a write is made once.
func TestTrap12FrozenAndThawed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		frozen time.Duration
		happen func(w *world, l *line, ahead *atomic.Int64)
	}{
		"connections closed by AWS": {0, func(w *world, l *line, _ *atomic.Int64) {
			w.server.CloseClientConnections()
			l.awaitClosed() // or the thawed process writes on what is about to be closed, and can't know what came of it
		}},
		// Longer than idle connections are used again; no sooner does AWS close them, or a NAT gateway forget them.
		"connections that are dead": {21 * time.Second, func(_ *world, l *line, _ *atomic.Int64) { l.die() }},
		"a clock that stood still":  {0, func(_ *world, _ *line, ahead *atomic.Int64) { ahead.Store(int64(10 * time.Minute)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ahead atomic.Int64
			w := newWorld(t, deploymenttest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
			l := newLine(t, w.endpoint)
			w.endpoint = "http://" + l.listener.Addr().String()
			f := w.function(t, "DynamodbFunction", nil)
			add := event(t, "dynamodb-update-item", withBody(`{"add":{"thaws":1}}`))
			for range 2 {
				mustInvoke(t, f, add, http.StatusOK)
			}
			untilFrozen(t, f)
			c.happen(w, l, &ahead)
			time.Sleep(c.frozen)
			began := time.Now()
			for range 2 {
				if a := mustInvoke(t, f, add, http.StatusOK); a.Environment != 1 {
					t.Errorf("environment %d, want the one that was frozen", a.Environment)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the answers after the thaw took %s", took)
			}
			mustInvoke(t, f, event(t, "dynamodb-list-tables", nil), http.StatusOK)
			if got, ok := w.order(t, "o-001")["thaws"].(*types.AttributeValueMemberN); !ok || got.Value != "4" {
				t.Errorf("added %v times, want 4: a write was lost, or made twice", got)
			}
		})
	}
}
