package s3client_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
)

const region = "eu-central-1"

// reply is an answer of S3's.
type reply struct {
	status int
	header map[string]string
}

// asked is a transport that answers by itself.
type asked func(*http.Request) reply

func (f asked) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := f(r)
	out := &http.Response{StatusCode: answer.status, Header: http.Header{}, Body: http.NoBody}
	for name, value := range answer.header {
		out.Header.Set(name, value)
	}
	return out, nil
}

// lets is an answer that lets pages in.
func lets(origin, methods, headers string) reply {
	return reply{http.StatusOK, map[string]string{
		"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": headers,
	}}
}

func browser(answer asked, regions ...string) s3client.Browser {
	return s3client.Browser{Clients: awsclient.New(awsclient.Options{Transport: answer, Regions: regions})}
}

func page() s3client.Preflight {
	return s3client.Preflight{
		Region: region, Bucket: "demo-files", Origin: "https://app.example", Method: http.MethodPut, Headers: []string{"content-type"},
	}
}

// A preflight is what a browser sends: to the bucket's own host, without a signature.
func TestPreflightIsABrowsers(t *testing.T) {
	var got []string
	browser := browser(func(r *http.Request) reply {
		got = append(got, r.Method+" "+r.URL.String())
		if len(r.Header["Authorization"])+len(r.Header["X-Amz-Security-Token"]) > 0 {
			t.Error("it is signed")
		}
		want := map[string]string{
			"Origin": "https://app.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type",
		}
		for name, value := range want {
			if r.Header.Get(name) != value {
				t.Errorf("%s = %q, want %q", name, r.Header.Get(name), value)
			}
		}
		return lets("*", "GET, PUT", "content-type")
	})
	dotted := page()
	dotted.Bucket = "files.example.com" // no certificate is for it
	for _, p := range []s3client.Preflight{page(), dotted} {
		if allowed, err := browser.Preflight(awsclient.WithCredentials(t.Context(), keys()), p); !allowed || err != nil {
			t.Errorf("got %v, %v", allowed, err)
		}
	}
	want := []string{
		"OPTIONS https://demo-files.s3.eu-central-1.amazonaws.com/", "OPTIONS https://s3.eu-central-1.amazonaws.com/files.example.com/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestPreflightAnswers(t *testing.T) {
	const ours = "https://app.example"
	for name, c := range map[string]struct {
		answer  reply
		allowed bool
		err     error
	}{
		"allowed":        {lets(ours, "PUT", "Content-Type, x"), true, nil},
		"refused":        {reply{status: 403}, false, nil},
		"another origin": {lets("https://other.example", "PUT", "*"), false, nil},
		"another method": {lets(ours, "GET", "*"), false, nil},
		"another header": {lets(ours, "PUT", "range"), false, nil},
		"no such bucket": {reply{status: 404}, false, s3client.ErrNoPreflight},
		"trouble":        {reply{status: 503}, false, s3client.ErrNoPreflight},
	} {
		t.Run(name, func(t *testing.T) {
			allowed, err := browser(func(*http.Request) reply { return c.answer }).Preflight(t.Context(), page())
			if allowed != c.allowed || !errors.Is(err, c.err) {
				t.Errorf("got %v, %v", allowed, err)
			}
		})
	}
}

// trap 35: S3 says where the bucket is, and is asked there; not in a region that isn't allowed, or is none (trap 21).
func TestTrap35PreflightInTheBucketsRegion(t *testing.T) {
	for right, want := range map[string]error{"eu-west-1": nil, "us-east-1": awsclient.ErrRegion, "evil.example#": awsclient.ErrRegion} {
		var hosts []string
		browser := browser(func(r *http.Request) reply {
			hosts = append(hosts, r.URL.Host)
			if len(hosts) == 1 {
				return reply{http.StatusMovedPermanently, map[string]string{"X-Amz-Bucket-Region": right}}
			}
			return lets("*", "PUT", "*")
		}, region, "eu-west-1")
		allowed, err := browser.Preflight(t.Context(), page())
		if !errors.Is(err, want) || allowed != (want == nil) {
			t.Errorf("%s: got %v, %v", right, allowed, err)
		}
		if want == nil && hosts[len(hosts)-1] != "demo-files.s3."+right+".amazonaws.com" || want != nil && len(hosts) != 1 {
			t.Errorf("%s: asked %v", right, hosts)
		}
	}
}
