package s3_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// poster sends forms to the bucket "forms" of a whole local AWS, as a browser would.
type poster struct {
	aws    *localawstest.AWS
	keys   localawstest.Keys
	client *awss3.Client
	now    time.Time
}

func startPosting(t *testing.T) *poster {
	t.Helper()
	p := &poster{now: time.Now().UTC()}
	p.aws = localawstest.Start(t)
	p.keys = p.aws.Account(account)
	p.client = client(p.aws, p.keys)
	_, err := p.client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("forms")})
	must(t, err)
	return p
}

func hmacOf(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// signed completes fields by a policy with these conditions and one for each field, and signs it.
func (p *poster) signed(fields map[string]string, conditions ...string) map[string]string {
	date := p.now.Format("20060102")
	out := map[string]string{
		"x-amz-algorithm":  "AWS4-HMAC-SHA256",
		"x-amz-credential": p.keys.AccessKeyID + "/" + date + "/us-east-1/s3/aws4_request",
		"x-amz-date":       p.now.Format("20060102T150405Z"),
	}
	if p.keys.SessionToken != "" {
		out["x-amz-security-token"] = p.keys.SessionToken
	}
	maps.Copy(out, fields)
	conditions = append(conditions, `{"bucket":"forms"}`)
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if !strings.Contains(strings.Join(conditions, ","), `"$`+name+`"`) {
			conditions = append(conditions, fmt.Sprintf("{%q:%q}", name, out[name]))
		}
	}
	return p.sign(out, fmt.Sprintf(`{"expiration":%q,"conditions":[%s]}`,
		p.now.Add(time.Minute).Format(time.RFC3339), strings.Join(conditions, ",")))
}

func (p *poster) sign(fields map[string]string, policy string) map[string]string {
	fields["policy"] = base64.StdEncoding.EncodeToString([]byte(policy))
	key := hmacOf([]byte("AWS4"+p.keys.SecretAccessKey), fields["x-amz-date"][:8])
	for _, part := range []string{"us-east-1", "s3", "aws4_request"} {
		key = hmacOf(key, part)
	}
	fields["x-amz-signature"] = hex.EncodeToString(hmacOf(key, fields["policy"]))
	return fields
}

// post sends a form with a file.
func (p *poster) post(t *testing.T, fields map[string]string, file string) (answer, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		must(t, form.WriteField(name, fields[name]))
	}
	part, err := form.CreateFormFile("file", `C:\folder\photo.jpg`)
	must(t, err)
	_, err = io.WriteString(part, file)
	must(t, err)
	must(t, form.Close())
	return p.send(t, form.FormDataContentType(), body.Bytes())
}

func (p *poster) send(t *testing.T, contentType string, body []byte) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.aws.Endpoint()+"/forms", bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", contentType)
	sender := *p.aws.Client()
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := sender.Do(r)
	must(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	return answer{StatusCode: response.StatusCode, Header: response.Header}, string(text)
}

// wantRefusal wants an error document with this status, code and, if it isn't empty, message.
func wantRefusal(t *testing.T, response answer, text string, status int, code, message string) {
	t.Helper()
	var got struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	if err := xml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if response.StatusCode != status || got.Code != code || message != "" && got.Message != message {
		t.Errorf("got %d %s %q, want %d %s %q", response.StatusCode, got.Code, got.Message, status, code, message)
	}
}

func TestPostWritesWhatItsPolicyAllows(t *testing.T) {
	p := startPosting(t)
	fields := p.signed(map[string]string{
		"key": "in/${filename}", "Content-Type": "image/jpeg", "x-amz-meta-title": "a b", "success_action_status": "201",
		"x-ignore-this": "anything",
	}, `["starts-with","$key","in/"]`, `["starts-with","$Content-Type","image/"]`, `["content-length-range",1,10]`)
	response, text := p.post(t, fields, "0123456789")
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("got %d: %s", response.StatusCode, text)
	}
	var got struct {
		Location string `xml:"Location"`
		Bucket   string `xml:"Bucket"`
		Key      string `xml:"Key"`
		ETag     string `xml:"ETag"`
	}
	must(t, xml.Unmarshal([]byte(text), &got))
	if diff := cmp.Diff([]string{"forms", "in/photo.jpg", `"781e5e245d69b566979b86e28d23f2c7"`}, []string{got.Bucket, got.Key, got.ETag}); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if want := "https://forms.s3.us-east-1.amazonaws.com/in/photo.jpg"; got.Location != want || response.Header.Get("Location") != want {
		t.Errorf("got %s, %s, want %s", got.Location, response.Header.Get("Location"), want)
	}
	out, err := p.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("forms"), Key: aws.String("in/photo.jpg")})
	must(t, err)
	body, err := io.ReadAll(out.Body)
	must(t, err)
	if string(body) != "0123456789" || *out.ContentType != "image/jpeg" || out.Metadata["title"] != "a b" {
		t.Errorf("got %q, %s, %v", body, *out.ContentType, out.Metadata)
	}
	calls := p.aws.Calls()
	if c := calls[len(calls)-2]; c.Operation != "PostObject" || c.Action != "s3:PutObject" || !c.Allowed || c.AccessKeyID != p.keys.AccessKeyID {
		t.Errorf("the log says %+v", c)
	}
}

func TestPostTakesWhatTheSDKSigns(t *testing.T) {
	p := startPosting(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	role := p.aws.AddRole(t, p.keys, localawstest.Role{Name: "writer", Trust: trust, Attached: "arn:aws:iam::aws:policy/AdministratorAccess"})
	session := p.aws.Assume(t, p.keys, &awssts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("form")})
	for name, keys := range map[string]localawstest.Keys{"long-lived": p.keys, "session": session} {
		out, err := awss3.NewPresignClient(client(p.aws, keys)).PresignPostObject(t.Context(),
			&awss3.PutObjectInput{Bucket: aws.String("forms"), Key: aws.String("k")})
		must(t, err)
		out.Values["success_action_status"] = "200"
		response, text := p.post(t, out.Values, "x")
		wantRefusal(t, response, text, 403, "AccessDenied", "Invalid according to Policy: Extra input fields: success_action_status")
		delete(out.Values, "success_action_status")
		if response, text := p.post(t, out.Values, "x"); response.StatusCode != http.StatusNoContent || text != "" {
			t.Errorf("%s: got %d: %s", name, response.StatusCode, text)
		}
	}
}

func TestPostRedirects(t *testing.T) {
	p := startPosting(t)
	response, _ := p.post(t, p.signed(map[string]string{"key": "a b", "success_action_redirect": "https://shop.example/done?x=1"}), "")
	want := "https://shop.example/done?bucket=forms&etag=%22d41d8cd98f00b204e9800998ecf8427e%22&key=a+b&x=1"
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusSeeOther || got != want {
		t.Errorf("got %d to %s, want %s", response.StatusCode, got, want)
	}
	if response, _ = p.post(t, p.signed(map[string]string{"key": "k", "redirect": "not absolute"}), ""); response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d, want what cannot be redirected to ignored", response.StatusCode)
	}
}

// A POST policy bounds the size, as a presigned PUT can't.
func TestTrap38PostPolicyBoundsTheSize(t *testing.T) {
	p := startPosting(t)
	bounded := func(key string) map[string]string {
		return p.signed(map[string]string{"key": key}, `["content-length-range","2",4]`)
	}
	for size, want := range map[int]int{1: 400, 2: 204, 4: 204, 5: 400, 3 << 20: 400} {
		response, text := p.post(t, bounded(fmt.Sprint(size)), strings.Repeat("x", size))
		switch {
		case want == http.StatusNoContent && response.StatusCode != want:
			t.Errorf("%d bytes: got %d: %s", size, response.StatusCode, text)
		case want != http.StatusNoContent && size < 2:
			wantRefusal(t, response, text, want, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		case want != http.StatusNoContent:
			wantRefusal(t, response, text, want, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
		}
	}
	out, err := p.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("forms")})
	must(t, err)
	if *out.KeyCount != 2 {
		t.Errorf("got %d objects, want the two that may be", *out.KeyCount)
	}
}

func TestPostRefuses(t *testing.T) {
	p := startPosting(t)
	ok := func() map[string]string { return p.signed(map[string]string{"key": "k"}) }
	without := func(name string) func() map[string]string {
		return func() map[string]string {
			fields := ok()
			delete(fields, name)
			return fields
		}
	}
	with := func(name, value string) func() map[string]string {
		return func() map[string]string {
			fields := ok()
			fields[name] = value
			return fields
		}
	}
	policy := func(text string) func() map[string]string {
		return func() map[string]string { return p.sign(ok(), text) }
	}
	today := p.now.Format("/20060102")
	missing := "Bucket POST must contain a field named '%s'.  If it is specified, please check the order of the fields."
	tests := map[string]struct {
		fields        func() map[string]string
		status        int
		code, message string
	}{
		"no key":              {without("key"), 400, "InvalidArgument", fmt.Sprintf(missing, "key")},
		"empty key":           {with("key", ""), 400, "InvalidArgument", ""},
		"no algorithm":        {without("x-amz-algorithm"), 400, "InvalidArgument", fmt.Sprintf(missing, "X-Amz-Algorithm")},
		"no signature":        {without("x-amz-signature"), 400, "InvalidArgument", fmt.Sprintf(missing, "X-Amz-Signature")},
		"no policy":           {without("policy"), 400, "InvalidArgument", fmt.Sprintf(missing, "policy")},
		"no policy, unsigned": {func() map[string]string { return map[string]string{"key": "k"} }, 403, "AccessDenied", "Access Denied"},
		"policy, unsigned": {func() map[string]string {
			return map[string]string{"key": "k", "policy": ok()["policy"]}
		}, 403, "AccessDenied", "Access Denied"},
		"version 2": {func() map[string]string {
			return map[string]string{"key": "k", "policy": ok()["policy"], "AWSAccessKeyId": "A", "Signature": "s"}
		}, 400, "InvalidRequest", ""},
		"other algorithm":  {with("x-amz-algorithm", "AWS4-HMAC-SHA1"), 400, "InvalidArgument", ""},
		"other service":    {with("x-amz-credential", p.keys.AccessKeyID+today+"/us-east-1/sts/aws4_request"), 400, "AuthorizationQueryParametersError", ""},
		"broken scope":     {with("x-amz-credential", "A/B"), 400, "AuthorizationQueryParametersError", ""},
		"broken date":      {with("x-amz-date", "yesterday"), 400, "AuthorizationQueryParametersError", ""},
		"unknown key":      {with("x-amz-credential", "AKIAX"+today+"/us-east-1/s3/aws4_request"), 403, "InvalidAccessKeyId", ""},
		"a token of none":  {with("x-amz-security-token", "x"), 400, "InvalidToken", ""},
		"wrong signature":  {with("x-amz-signature", strings.Repeat("0", 64)), 403, "SignatureDoesNotMatch", ""},
		"another policy":   {with("policy", "e30="), 403, "SignatureDoesNotMatch", ""},
		"another key":      {with("key", "other"), 403, "AccessDenied", `Invalid according to Policy: Policy Condition failed: ["eq", "$key", "k"]`},
		"one field more":   {with("Cache-Control", "no-store"), 403, "AccessDenied", "Invalid according to Policy: Extra input fields: cache-control"},
		"too much":         {with("x-ignore-me", strings.Repeat("x", 21<<10)), 400, "MaxPostPreDataLengthExceeded", ""},
		"expired":          {policy(`{"expiration":"2020-01-01T00:00:00Z","conditions":[]}`), 403, "AccessDenied", "Invalid according to Policy: Policy expired."},
		"no JSON":          {policy(`{`), 400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."},
		"no expiration":    {policy(`{"conditions":[]}`), 400, "InvalidPolicyDocument", "Invalid Policy: Policy missing expiration."},
		"no conditions":    {policy(`{"expiration":"2099-01-01T00:00:00Z"}`), 400, "InvalidPolicyDocument", "Invalid Policy: Policy missing conditions."},
		"when is that":     {policy(`{"expiration":"soon","conditions":[]}`), 400, "InvalidPolicyDocument", ""},
		"two in one":       {policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[{"a":"b","c":"d"}]}`), 400, "InvalidPolicyDocument", ""},
		"unknown operator": {policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[["ends-with","$key","k"]]}`), 400, "InvalidPolicyDocument", ""},
		"no dollar":        {policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[["eq","key","k"]]}`), 400, "InvalidPolicyDocument", ""},
		"range of words":   {policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[["content-length-range","a","b"]]}`), 400, "InvalidPolicyDocument", ""},
		"another bucket": {
			policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[{"bucket":"other"}]}`), 403, "AccessDenied",
			`Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "other"]`,
		},
		"prefix": {
			policy(`{"expiration":"2099-01-01T00:00:00Z","conditions":[["starts-with","$key","in/"]]}`), 403, "AccessDenied",
			`Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "in/"]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, text := p.post(t, test.fields(), "x")
			wantRefusal(t, response, text, test.status, test.code, test.message)
		})
	}
	out, err := p.client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("forms")})
	must(t, err)
	if *out.KeyCount != 0 {
		t.Errorf("got %d objects, want none written", *out.KeyCount)
	}
}

func TestPostWantsAForm(t *testing.T) {
	p := startPosting(t)
	response, text := p.send(t, "application/x-www-form-urlencoded", []byte("key=k"))
	wantRefusal(t, response, text, http.StatusPreconditionFailed, "PreconditionFailed", "")
	response, text = p.send(t, "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b--\r\n"))
	wantRefusal(t, response, text, http.StatusBadRequest, "InvalidArgument", "POST requires exactly one file upload per request.")
	response, text = p.send(t, "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk"))
	wantRefusal(t, response, text, http.StatusBadRequest, "MalformedPOSTRequest", "")
	response, text = p.send(t, "multipart/form-data", nil)
	wantRefusal(t, response, text, http.StatusBadRequest, "MalformedPOSTRequest", "")
	fields := "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncut sho"
	_, err := p.client.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: aws.String("forms"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::forms/*"}]}`)})
	must(t, err)
	response, text = p.send(t, "multipart/form-data; boundary=b", []byte(fields))
	wantRefusal(t, response, text, http.StatusBadRequest, "IncompleteBody", "")
	response, text = p.send(t, "multipart/form-data; boundary=b", []byte(fields+"\r\n--b--\r\n"))
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d: %s, want a public bucket to take a form from anyone", response.StatusCode, text)
	}
}

// The policy says what the form may hold; what its signer may do is asked all the same.
func TestPostNeedsPermissionAndTheRegion(t *testing.T) {
	p := startPosting(t)
	admin := p.keys
	p.keys = p.aws.AddUser(t, admin, "poster", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::forms/in/*"}]}`)
	if response, text := p.post(t, p.signed(map[string]string{"key": "in/k"}), "x"); response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d: %s", response.StatusCode, text)
	}
	response, text := p.post(t, p.signed(map[string]string{"key": "out/k"}), "x")
	wantRefusal(t, response, text, 403, "AccessDenied", "User: arn:aws:iam::111111111111:user/poster is not authorized to perform: s3:PutObject "+
		`on resource: "arn:aws:s3:::forms/out/k" because no identity-based policy allows the s3:PutObject action`)
	p.keys = admin
	_, err := p.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("forms"), Key: aws.String("in/k")})
	must(t, err)
	_, err = p.client.DeleteBucket(t.Context(), &awss3.DeleteBucketInput{Bucket: aws.String("forms")})
	must(t, err)
	_, err = p.client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("forms"), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: types.BucketLocationConstraintEuCentral1,
	}})
	must(t, err)
	response, text = p.post(t, p.signed(map[string]string{"key": "k"}), "x")
	wantRefusal(t, response, text, http.StatusMovedPermanently, "PermanentRedirect", "")
}
