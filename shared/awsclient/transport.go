package awsclient

import (
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout      = 3 * time.Second
	handshakeTimeout = 5 * time.Second
	// idleTimeout is below that of AWS's own servers. net/http compares it by the wall clock when it takes a connection
	// up again, so one that died while Lambda had frozen the instance is not used (trap 12).
	idleTimeout = 20 * time.Second
	// idlePerHost is how many connections one host keeps: the requests that one instance has under way at a time. The
	// default of 2 would close all others after each.
	idlePerHost = 128
	bufferSize  = 32 << 10
)

// NewTransport returns a transport tuned for calls to AWS from Lambda: HTTP/1.1 (a thawed HTTP/2 connection would hold
// up every request on it), many connections to few hosts, none of them old.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   handshakeTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   idlePerHost,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
		WriteBufferSize:       bufferSize,
		ReadBufferSize:        bufferSize,
	}
}

// newHTTPClient follows no redirect: AWS's are answers (trap 35), and a followed one would carry a signature for another
// host.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
