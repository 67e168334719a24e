package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections have no network, so that they can be in a testing/synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

// Accept waits for the next that is dialled.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *pipes) Close() error {
	close(p.done)
	return nil
}

// Addr is nowhere.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// A client that sends its head or its body by the byte is cut off in time, and holds nobody else up until then.
func TestSlowRequestsAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		s := &server{failed: make(chan error, 1)}
		s.handle(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusBadRequest)
			}
		}), requestTime)
		for _, c := range []struct {
			atOnce, slowly string
			within         time.Duration
		}{
			{"", "GET /v1/me HTTP/1.1\r\nHost: " + strings.Repeat("a", 100), headTime},
			{"POST /v1/providers HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", strings.Repeat("a", 99), requestTime},
		} {
			conn, began := l.dial(), time.Now()
			var sending sync.WaitGroup
			sending.Go(func() {
				_, err := io.WriteString(conn, c.atOnce)
				for i := 0; i < len(c.slowly) && err == nil; i++ {
					time.Sleep(time.Second)
					_, err = io.WriteString(conn, c.slowly[i:i+1])
				}
			})
			synctest.Wait()
			quick := l.dial()
			if _, err := quick.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
				t.Error(err)
			}
			if answer, err := io.ReadAll(quick); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") || time.Since(began) > time.Second {
				t.Errorf("another request was answered %q after %s, %v", answer, time.Since(began), err)
			}
			answer, err := io.ReadAll(conn)
			if took := time.Since(began); err != nil || took < c.within || took > c.within+time.Second || strings.HasPrefix(string(answer), "HTTP/1.1 200") {
				t.Errorf("%q was answered %q after %s, %v; want it cut off after %s", c.atOnce+c.slowly, answer, took, err, c.within)
			}
			sending.Wait()
		}
		if err := s.listeners[0].Close(); err != nil {
			t.Error(err)
		}
		s.serving.Wait()
	})
}
