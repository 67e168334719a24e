package s3_test

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

const downloadsPath = "files/downloads"

// everything is the limit of a connection to all buckets.
func everything(l *permissions.Limits) { l.Buckets = []permissions.Bucket{{Name: "*"}} }

func (b *bench) downloads(t *testing.T, body string) s3.Downloads {
	t.Helper()
	var out s3.Downloads
	b.post(t, downloadsPath, body).into(t, &out)
	return out
}

func TestDownloads(t *testing.T) {
	b := newBench(t)
	createBucket(t, b.admin, "far", elsewhere)
	b.get(t, "files/buckets/far/objects")
	b.get(t, "files/buckets/demo-files/objects")
	names := map[string]string{
		"reports/q 1.csv": "", "ä/\"ö\"; x=.txt": "", "folder/": "", "..": "", "plain": "other name.txt", "control\x01\n": "",
	}
	saved := map[string]string{
		"reports/q 1.csv": "q 1.csv", "ä/\"ö\"; x=.txt": "\"ö\"; x=.txt", "folder/": "folder", "..": "download", "plain": "other name.txt",
		"control\x01\n": "control\x01\n",
	}
	var objects []string
	for key, name := range names {
		b.store(t, key, "content of "+key)
		object := `{"bucket":"demo-files","key":` + quote(t, key)
		if name != "" {
			object += `,"file_name":` + quote(t, name)
		}
		objects = append(objects, object+`}`)
	}
	b.operations()
	got := b.downloads(t, `{"objects":[`+strings.Join(objects, ",")+`,{"bucket":"far","key":"none"}]}`)
	if ops := b.operations(); ops != "" {
		t.Errorf("S3 was asked for %s", ops)
	}
	for _, d := range got.Items[:len(names)] {
		status, header, body := b.send(t, http.MethodGet, d.URL, nil, content{})
		_, parameters, err := mime.ParseMediaType(header.Get("Content-Disposition"))
		if status != http.StatusOK || body != "content of "+d.Key || err != nil || parameters["filename"] != saved[d.Key] || d.FileName != saved[d.Key] {
			t.Errorf("%q: %d %s %q, %v", d.Key, status, body, header.Get("Content-Disposition"), err)
		}
		link, err := url.Parse(d.URL)
		if err != nil {
			t.Fatal(err)
		}
		q := link.Query()
		if q.Get("X-Amz-SignedHeaders") != "host" || q.Get("x-amz-expected-bucket-owner") != account || q.Has("x-amz-checksum-mode") {
			t.Errorf("%q", q)
		}
	}
	far := got.Items[len(names)]
	if status, _, _ := b.send(t, http.MethodGet, far.URL, nil, content{}); far.Bucket != "far" || status != http.StatusNotFound {
		t.Errorf("%+v: %d", far, status)
	}
}

func TestDownloadsBody(t *testing.T) {
	b := newBench(t)
	many := strings.TrimSuffix(strings.Repeat(`{"bucket":"demo-files","key":"k"},`, 101), ",")
	for body, pointers := range map[string][]string{
		`{}`:                         {"/objects"},
		`{"objects":[]}`:             {"/objects"},
		`{"objects":[` + many + `]}`: {"/objects"},
		`{"objects":[{"bucket":"demo-files","key":""},{"bucket":"x","key":"k","file_name":"a/b"}]}`: {"/objects/0/key"},
		`{"objects":[{"bucket":"x","key":"k","file_name":"a/b"}]}`:                                  {"/objects/0/bucket", "/objects/0/file_name"},
		`{"objects":[{"bucket":"demo-files","key":"k"}],"expires_in":0}`:                            {"/expires_in"},
	} {
		b.post(t, downloadsPath, body).wantProblem(t, problem.InvalidRequest, pointers...)
	}
	if got := b.downloads(t, `{"objects":[`+many[:len(many)-len(`,{"bucket":"demo-files","key":"k"}`)]+`]}`); len(got.Items) != 100 {
		t.Errorf("%d items", len(got.Items))
	}
}

// TestTrap37TrueExpiry: what is said is what holds, never more than the credentials have left; and for what is usual, there is
// enough.
func TestTrap37TrueExpiry(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	for _, test := range []struct {
		left         time.Duration
		asked        string
		least, lasts time.Duration
	}{
		{time.Hour, "", 15 * time.Minute, 15 * time.Minute},
		{time.Hour, `,"expires_in":60`, time.Minute, time.Minute},
		{time.Hour, `,"expires_in":3600`, 15 * time.Minute, time.Hour},
		{7 * time.Minute, "", 15 * time.Minute, 7 * time.Minute},
		{7 * time.Minute, `,"expires_in":60`, time.Minute, time.Minute},
	} {
		b.life, b.lasting = test.left, nil
		before := time.Now()
		bodies := map[string]string{
			"downloads":                  `{"objects":[{"bucket":"demo-files","key":"k"}]` + test.asked + `}`,
			"buckets/demo-files/uploads": `{"key":"k"` + test.asked + `}`,
		}
		for path, body := range bodies {
			var got struct {
				ExpiresAt time.Time `json:"expires_at"`
				Items     []s3.Download
			}
			b.post(t, "files/"+path, body).into(t, &got)
			if most, least := got.ExpiresAt.Sub(before), time.Until(got.ExpiresAt); least > test.lasts || most < test.lasts-5*time.Second {
				t.Errorf("%s with %v left, asked%s: ends after %v to %v", path, test.left, test.asked, least, most)
			}
			for _, d := range got.Items {
				link, err := url.Parse(d.URL)
				if err != nil {
					t.Fatal(err)
				}
				signed, err := time.Parse("20060102T150405Z", link.Query().Get("X-Amz-Date"))
				seconds, err2 := strconv.Atoi(link.Query().Get("X-Amz-Expires"))
				if err != nil || err2 != nil || signed.Add(time.Duration(seconds)*time.Second).Before(got.ExpiresAt) {
					t.Errorf("the URL ends before %v: %s", got.ExpiresAt, link)
				}
			}
		}
		if got := fmt.Sprint(b.lasting[len(b.lasting)-1]); got != fmt.Sprint(test.least) {
			t.Errorf("credentials should last %s, want %s", got, test.least)
		}
	}
}

// TestTrap37URLsEnd: after its time a URL, and a form, are refused.
func TestTrap37URLsEnd(t *testing.T) {
	b := newBench(t)
	b.store(t, "k", "x")
	get := b.downloads(t, `{"objects":[{"bucket":"demo-files","key":"k"}],"expires_in":60}`).Items[0].URL
	form := b.upload(t, `{"key":"k","expires_in":60}`)
	put := b.upload(t, `{"kind":"put","key":"k","expires_in":60}`)
	part := b.upload(t, `{"kind":"multipart","key":"k","size":1,"expires_in":60}`).Parts[0].URL
	if status, _, _ := b.send(t, http.MethodGet, get, nil, content{}); status != http.StatusOK {
		t.Errorf("before: %d", status)
	}
	b.ahead.Store(int64(62 * time.Second))
	if status, _, answer := b.send(t, http.MethodGet, get, nil, content{}); status != http.StatusForbidden || !strings.Contains(answer, "expired") {
		t.Errorf("GET: %d %s", status, answer)
	}
	if status, answer := b.submit(t, form, text("y")); status != http.StatusForbidden || !strings.Contains(answer, "expired") {
		t.Errorf("POST: %d %s", status, answer)
	}
	for _, link := range []string{put.URL, part} {
		if status, _, answer := b.send(t, http.MethodPut, link, nil, text("y")); status != http.StatusForbidden || !strings.Contains(answer, "expired") {
			t.Errorf("PUT: %d %s", status, answer)
		}
	}
}
