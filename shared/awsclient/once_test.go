package awsclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
)

// hangUp closes the connection without an answer, after the request has arrived.
func hangUp(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func outcomeUnknown(err error) bool {
	var unknown interface{ OutcomeUnknown() bool }
	return errors.As(err, &unknown) && unknown.OutcomeUnknown()
}

// calls are those of the three services, by whether they may be carried out twice.
func calls(t *testing.T, c *awsclient.Clients) (repeatable, once map[string]func(context.Context) error) {
	t.Helper()
	db := dynamoDB(t, c)
	s3, err := s3client.For(c, region)
	if err != nil {
		t.Fatal(err)
	}
	lambda, err := lambdaclient.For(c, region)
	if err != nil {
		t.Fatal(err)
	}
	table, bucket, key := aws.String("t"), aws.String("files"), aws.String("k")
	item := map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: "1"}}
	repeatable = map[string]func(context.Context) error{
		"Query": func(ctx context.Context) error {
			_, err := db.Query(ctx, &awsdynamodb.QueryInput{TableName: table})
			return err
		},
		"TransactWriteItems": func(ctx context.Context) error {
			_, err := db.TransactWriteItems(ctx, &awsdynamodb.TransactWriteItemsInput{TransactItems: []dynamodbtypes.TransactWriteItem{
				{Put: &dynamodbtypes.Put{TableName: table, Item: item}},
			}})
			return err
		},
		"PutObject": func(ctx context.Context) error {
			_, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: key})
			return err
		},
		"conditional HeadObject": func(ctx context.Context) error {
			_, err := s3.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: bucket, Key: key, IfNoneMatch: aws.String(`"x"`)})
			return err
		},
		"ListFunctions": func(ctx context.Context) error {
			_, err := lambda.ListFunctions(ctx, &awslambda.ListFunctionsInput{})
			return err
		},
	}
	once = map[string]func(context.Context) error{
		"PutItem": func(ctx context.Context) error {
			_, err := db.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: table, Item: item})
			return err
		},
		"UpdateItem": func(ctx context.Context) error {
			_, err := db.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{TableName: table, Key: item})
			return err
		},
		"DeleteItem": func(ctx context.Context) error {
			_, err := db.DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: table, Key: item})
			return err
		},
		"conditional PutObject": func(ctx context.Context) error {
			_, err := s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket, Key: key, IfNoneMatch: aws.String("*")})
			return err
		},
		"conditional DeleteObject": func(ctx context.Context) error {
			_, err := s3.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: bucket, Key: key, IfMatch: aws.String(`"x"`)})
			return err
		},
		"CompleteMultipartUpload": func(ctx context.Context) error {
			_, err := s3.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: aws.String("u")})
			return err
		},
		"Invoke": func(ctx context.Context) error {
			_, err := lambda.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("f")})
			return err
		},
	}
	return repeatable, once
}

func TestTrap33aAnd45NothingIsSentTwice(t *testing.T) {
	var arrived atomic.Int64
	var answer atomic.Value
	clients, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived.Add(1)
		answer.Load().(func(http.ResponseWriter))(w)
	})
	failures := map[string]struct {
		answer  func(http.ResponseWriter)
		unknown bool
	}{
		"no answer": {hangUp, true},
		"cut answer": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"`)
		}, true},
		"AWS failed": {func(w http.ResponseWriter) {
			w.Header().Set("X-Amzn-Errortype", "InternalServerError")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"__type":"InternalServerError"}`)
		}, false},
	}
	repeatable, once := calls(t, clients)
	for failure, f := range failures {
		answer.Store(f.answer)
		for name, call := range once {
			arrived.Store(0)
			err := call(withCredentials(t.Context()))
			if f.unknown && name == "conditional DeleteObject" && failure == "cut answer" && err == nil {
				continue // its answer has no body to read
			}
			if got := arrived.Load(); got != 1 {
				t.Errorf("%s, %s: got %d requests, want 1", name, failure, got)
			}
			if got := outcomeUnknown(err); got != f.unknown {
				t.Errorf("%s, %s: got outcome unknown %t, want %t: %v", name, failure, got, f.unknown, err)
			}
		}
	}
	answer.Store(hangUp)
	for name, call := range repeatable {
		arrived.Store(0)
		err := call(withCredentials(t.Context()))
		// net/http itself adds one where it had sent a GET or HEAD on a connection that it had used before.
		if got := arrived.Load(); got < 3 || outcomeUnknown(err) {
			t.Errorf("%s: got %d requests and %v, want 3 and no unknown outcome", name, got, err)
		}
	}
}

// The request's time is up while AWS works on it: that is an unknown outcome too.
func TestTrap45TimedOutAfterSending(t *testing.T) {
	release := make(chan struct{})
	clients, server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	_, once := calls(t, clients)
	ctx, cancel := context.WithTimeout(withCredentials(t.Context()), 100*time.Millisecond)
	defer cancel()
	if err := once["Invoke"](ctx); !outcomeUnknown(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline and an unknown outcome", err)
	}
}

// What AWS throttled it did not do.
func TestThrottledWritesAreRetried(t *testing.T) {
	var arrived atomic.Int64
	clients, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1) == 1 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}`)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	_, once := calls(t, clients)
	if err := once["UpdateItem"](withCredentials(t.Context())); err != nil || arrived.Load() != 2 {
		t.Errorf("got %v after %d requests, want success at the second", err, arrived.Load())
	}
}

// What was never sent may be sent again, and its outcome is known.
func TestUnsentWritesAreRetried(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	var dials atomic.Int64
	transport := awsclient.NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, network, address)
	}
	clients := awsclient.New(awsclient.Options{Endpoint: server.URL, Transport: transport})
	_, once := calls(t, clients)
	err := once["UpdateItem"](withCredentials(t.Context()))
	if err == nil || outcomeUnknown(err) || dials.Load() != 3 {
		t.Errorf("got %v after %d dials, want a failure with known outcome after 3", err, dials.Load())
	}
}

// watchedConn tells when its end has been seen, from either side.
type watchedConn struct {
	net.Conn

	end func()
}

func (c watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.end()
	}
	return n, err
}

func (c watchedConn) Close() error {
	c.end()
	return c.Conn.Close()
}

// While Lambda had the instance frozen, the server closed the connections. The first call after the thaw must work, for
// writes as well.
func TestTrap12DeadConnections(t *testing.T) {
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	ended := make(chan struct{}, 8)
	transport := awsclient.NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dial(ctx, network, address)
		return watchedConn{Conn: connection, end: sync.OnceFunc(func() { ended <- struct{}{} })}, err
	}
	repeatable, once := calls(t, awsclient.New(awsclient.Options{Endpoint: server.URL, Transport: transport}))
	for _, call := range []func(context.Context) error{repeatable["Query"], once["UpdateItem"], once["PutItem"]} {
		if err := call(withCredentials(t.Context())); err != nil {
			t.Fatal(err)
		}
		server.CloseClientConnections()
		<-ended
	}
	if got, want := arrived.Load(), int64(3); got != want {
		t.Errorf("got %d requests, want %d", got, want)
	}
}

// brokenConn takes the first bytes of a request and then breaks, as a connection does that was dead already.
type brokenConn struct{ net.Conn }

func (c brokenConn) Write(b []byte) (int, error) {
	n, _ := c.Conn.Write(b[:min(len(b), 10)])
	return n, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
}

// What breaks before the request is whole was not carried out, and is sent again.
func TestTrap12BrokenWhileSending(t *testing.T) {
	var arrived, dials atomic.Int64
	_, server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		_, _ = io.WriteString(w, "{}")
	})
	transport := awsclient.NewTransport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dial(ctx, network, address)
		if dials.Add(1) == 1 {
			return brokenConn{connection}, err
		}
		return connection, err
	}
	_, once := calls(t, awsclient.New(awsclient.Options{Endpoint: server.URL, Transport: transport}))
	err := once["UpdateItem"](withCredentials(t.Context()))
	second := err == nil && arrived.Load() == 1
	unknown := outcomeUnknown(err) && arrived.Load() == 0
	if !second && !unknown {
		t.Errorf("got %v and %d requests, want success at the second attempt, or an unknown outcome where net/http does not tell that it was the write", err, arrived.Load())
	}
}

// net/http closes what has been idle for too long, by the wall clock, before it takes it up again; and HTTP/2 keeps all
// requests on one connection.
func TestTrap12TransportKeepsNothingOld(t *testing.T) {
	transport := awsclient.NewTransport()
	if transport.IdleConnTimeout > 20*time.Second || transport.IdleConnTimeout == 0 || transport.ForceAttemptHTTP2 {
		t.Errorf("got idle connections for %s, HTTP/2 %t", transport.IdleConnTimeout, transport.ForceAttemptHTTP2)
	}
}
