package conformance

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// presigned is an address that gets my-key.
func (s *s3Stage) presigned() string {
	s.t.Helper()
	in := &awss3.GetObjectInput{Bucket: s.bucket, Key: aws.String("my-key")}
	request, err := awss3.NewPresignClient(s.Client).PresignGetObject(s.t.Context(), in)
	s.must(err)
	return request.URL
}

// presignedAt is an address that was good for a second from then on.
func (s *s3Stage) presignedAt(then time.Time) string {
	s.t.Helper()
	address := *s.backend.config.BaseEndpoint + "/" + *s.bucket + "/my-key?X-Amz-Expires=1"
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, http.NoBody)
	s.must(err)
	credentials, err := s.backend.config.Credentials.Retrieve(s.t.Context())
	s.must(err)
	signed, _, err := v4.NewSigner().PresignHTTP(s.t.Context(), credentials, request, "UNSIGNED-PAYLOAD", "s3", s.backend.config.Region, then,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	s.must(err)
	return signed
}

// changed is the address with its parameters changed.
func changed(s *s3Stage, address string, change func(url.Values)) string {
	s.t.Helper()
	u, err := url.Parse(address)
	s.must(err)
	query := u.Query()
	change(query)
	u.RawQuery = query.Encode()
	return u.String()
}

func s3Presigned() []situation[*s3Stage] {
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	return []situation[*s3Stage]{
		{name: "presigned get", do: func(s *s3Stage) want {
			s.has("my-key", "data")
			s.raw(http.MethodGet, s.presigned(), "", nil)
			return ok(http.StatusOK, "Body", "data")
		}},
		{name: "presigned get without its signature", do: func(s *s3Stage) want {
			s.raw(http.MethodGet, changed(s, s.presigned(), func(q url.Values) { q.Del("X-Amz-Signature") }), "", nil)
			return fault(http.StatusBadRequest, "AuthorizationQueryParametersError", "Query-string authentication version 4 requires the "+
				"X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}},
		{name: "presigned get with credentials encoded twice", do: func(s *s3Stage) want {
			s.raw(http.MethodGet, changed(s, s.presigned(), func(q url.Values) {
				q.Set("X-Amz-Credential", url.QueryEscape(q.Get("X-Amz-Credential")))
			}), "", nil)
			return fault(http.StatusBadRequest, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "+
				`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
		}},
		{name: "presigned get of another key", do: func(s *s3Stage) want {
			s.raw(http.MethodGet, strings.Replace(s.presigned(), "/my-key", "/another", 1), "", nil)
			return fault(http.StatusForbidden, "SignatureDoesNotMatch", mismatch, "AWSAccessKeyId", s.backend.keys.AccessKeyID)
		}},
		{name: "presigned get used to put", do: func(s *s3Stage) want {
			s.raw(http.MethodPut, s.presigned(), "data", nil)
			return fault(http.StatusForbidden, "SignatureDoesNotMatch", mismatch, "AWSAccessKeyId", s.backend.keys.AccessKeyID)
		}},
		{name: "presigned get with one more parameter", do: func(s *s3Stage) want {
			s.raw(http.MethodGet, s.presigned()+"&response-content-type=text%2Fhtml", "", nil)
			return fault(http.StatusForbidden, "SignatureDoesNotMatch", mismatch)
		}},
		{name: "presigned get with a header that isn't signed", but: "minio/unsigned-header", do: func(s *s3Stage) want {
			s.raw(http.MethodGet, s.presigned(), "", http.Header{"X-Amz-Expires": {"10"}})
			return fault(http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed",
				"HeadersNotSigned", "x-amz-expires")
		}},
		{name: "presigned get that has expired", do: func(s *s3Stage) want {
			s.has("my-key", "data")
			s.raw(http.MethodGet, s.presignedAt(time.Now().Add(-time.Hour)), "", nil)
			return fault(http.StatusForbidden, "AccessDenied", "Request has expired", "X-Amz-Expires", "1")
		}},
	}
}

// s3Posts are forms of a browser.
func s3Posts() []situation[*s3Stage] {
	post := func(s *s3Stage, without ...string) {
		in := &awss3.PutObjectInput{Bucket: s.bucket, Key: aws.String("my-key")}
		signed, err := awss3.NewPresignClient(s.Client).PresignPostObject(s.t.Context(), in)
		s.must(err)
		for _, name := range without {
			delete(signed.Values, name)
		}
		body, kind := form(s, signed.Values)
		s.raw(http.MethodPost, signed.URL, body, http.Header{"Content-Type": {kind}})
	}
	missing := func(name string) want {
		return fault(http.StatusBadRequest, "InvalidArgument", "Bucket POST must contain a field named '"+name+
			"'.  If it is specified, please check the order of the fields.", "ArgumentName", name)
	}
	return []situation[*s3Stage]{
		{name: "post a form", do: func(s *s3Stage) want {
			post(s)
			return ok(http.StatusNoContent, "@Etag", `"8d777f385d3dfec8815d20f7496026dc"`)
		}},
		{name: "post without the signature", but: "minio/post-fields", do: func(s *s3Stage) want {
			post(s, "X-Amz-Signature")
			return missing("X-Amz-Signature")
		}},
		{name: "post without the algorithm", but: "minio/post-fields", do: func(s *s3Stage) want {
			post(s, "X-Amz-Algorithm")
			return missing("X-Amz-Algorithm")
		}},
		{name: "post without any of the signature", but: "minio/post-fields", do: func(s *s3Stage) want {
			post(s, "X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "policy")
			return fault(http.StatusForbidden, "AccessDenied", "Access Denied")
		}},
	}
}

func form(s *s3Stage, fields map[string]string) (body, contentType string) {
	s.t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for name, value := range fields {
		s.must(w.WriteField(name, value))
	}
	file, err := w.CreateFormFile("file", "file.txt")
	s.must(err)
	_, err = file.Write([]byte("data"))
	s.must(err)
	s.must(w.Close())
	return buffer.String(), w.FormDataContentType()
}
