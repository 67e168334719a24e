package endpoints_test

import (
	"errors"
	"net/url"
	"strconv"
	"testing"

	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/arngate/arngate/shared/awsclient/endpoints"
)

// What is remembered isn't worked out again, and stays until there are too many: then all are.
func TestNothingIsRememberedForEver(t *testing.T) {
	var known endpoints.Remembered[endpoints.Maybe[string]]
	resolved := 0
	get := func(bucket string) {
		e, err := known.Get(endpoints.Given(&bucket), func() (smithyendpoints.Endpoint, error) {
			resolved++
			return smithyendpoints.Endpoint{URI: url.URL{Host: bucket}}, nil
		})
		if err != nil || e.URI.Host != bucket {
			t.Fatalf("%s is at %s, %v", bucket, e.URI.Host, err)
		}
	}
	for range 2 {
		for i := range endpoints.Most {
			get(strconv.Itoa(i))
		}
	}
	if resolved != endpoints.Most {
		t.Errorf("%d were resolved, want each once", resolved)
	}
	get("one more")
	get("0")
	if got, want := resolved, endpoints.Most+2; got != want {
		t.Errorf("%d were resolved, want %d: the others are forgotten", got, want)
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	var known endpoints.Remembered[string]
	failed := errors.New("no such place")
	for range 2 {
		called := false
		_, err := known.Get("a", func() (smithyendpoints.Endpoint, error) { called = true; return smithyendpoints.Endpoint{}, failed })
		if !errors.Is(err, failed) || !called {
			t.Errorf("got %v, called %t", err, called)
		}
	}
}
