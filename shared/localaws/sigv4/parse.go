package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Parse reads the signature of a request. It fails with an *Error: of kind Missing if the request is not
// signed at all, of another kind if it is signed and the signature cannot be read.
func Parse(r *http.Request) (*Signed, error) {
	header := r.Header.Get("Authorization")
	query := presignedParameters(r.URL)
	switch {
	case header != "" && query != nil:
		return nil, fail(Unsupported, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "+
			"Signature query string parameter or the Authorization header should be specified")
	case strings.HasPrefix(header, "AWS "), header == "" && isOutdated(r.URL):
		return nil, fail(Outdated, "The authorization mechanism you have provided is not supported. Please use %s.", algorithm)
	case header != "":
		return parseHeader(r, header)
	case query != nil:
		return parseQuery(r, query)
	}
	return nil, fail(Missing, "Request is missing Authentication Token")
}

// isOutdated says whether a request is presigned with Signature Version 2.
func isOutdated(u *url.URL) bool {
	query := u.Query()
	return query.Has("AWSAccessKeyId") && query.Has("Signature")
}

// presignedParameters returns the query of a presigned request, and nothing for any other.
func presignedParameters(u *url.URL) url.Values {
	if !strings.Contains(u.RawQuery, "X-Amz-Algorithm") && !strings.Contains(u.RawQuery, "X-Amz-Signature") {
		return nil
	}
	query := make(url.Values)
	for _, p := range parseRawQuery(u.RawQuery) {
		query.Add(p.name, p.value)
	}
	if !query.Has("X-Amz-Algorithm") && !query.Has("X-Amz-Signature") {
		return nil
	}
	return query
}

func parseHeader(r *http.Request, header string) (*Signed, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if scheme != algorithm {
		return nil, fail(Unsupported, "Unsupported Authorization Type")
	}
	parts := make(map[string]string, 3)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found || value == "" {
			return nil, fail(Incomplete, "'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", name)
		}
		parts[name] = value
	}
	for _, name := range [...]string{"Credential", "SignedHeaders", "Signature"} {
		if parts[name] == "" {
			return nil, fail(Incomplete, "Authorization header requires '%s' parameter.", name)
		}
	}
	s := &Signed{
		signature: parts["Signature"],
		headers:   strings.Split(strings.ToLower(parts["SignedHeaders"]), ";"),
		Token:     r.Header.Get("X-Amz-Security-Token"),
		payload:   r.Header.Get("X-Amz-Content-Sha256"),
	}
	if err := s.parseCredential(parts["Credential"], BadCredential); err != nil {
		return nil, err
	}
	return s, s.parseDate(headerDate(r), Incomplete)
}

// headerDate is the time that a request's header gives, in the form of X-Amz-Date. A Date header stands
// in where X-Amz-Date is absent.
func headerDate(r *http.Request) string {
	if date := r.Header.Get("X-Amz-Date"); date != "" {
		return date
	}
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return r.Header.Get("Date")
	}
	return date.UTC().Format(timeFormat)
}

func parseQuery(r *http.Request, query url.Values) (*Signed, error) {
	for _, name := range [...]string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature",
	} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return nil, fail(BadQuery, "Query-string authentication version 4 requires the X-Amz-Algorithm, "+
				"X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if query.Get("X-Amz-Algorithm") != algorithm {
		return nil, fail(BadQuery, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
	}
	s := &Signed{
		Presigned: true,
		signature: query.Get("X-Amz-Signature"),
		headers:   strings.Split(strings.ToLower(query.Get("X-Amz-SignedHeaders")), ";"),
		Token:     query.Get("X-Amz-Security-Token"),
		payload:   query.Get("X-Amz-Content-Sha256"),
	}
	if s.payload == "" {
		s.payload = r.Header.Get("X-Amz-Content-Sha256")
	}
	if err := s.parseCredential(query.Get("X-Amz-Credential"), BadQueryCredential); err != nil {
		return nil, err
	}
	if err := s.parseDate(query.Get("X-Amz-Date"), BadQuery); err != nil {
		return nil, err
	}
	return s, s.parseExpires(query)
}

// parseExpires reads the lifetime of a presigned request. Only S3 requires it; elsewhere one that is
// left out means the allowed skew.
func (s *Signed) parseExpires(query url.Values) error {
	text := query.Get("X-Amz-Expires")
	if text == "" && s.Service != "s3" {
		s.expires = Skew
		return nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return fail(BadQuery, "X-Amz-Expires should be a number")
	case seconds < 0:
		return fail(BadQuery, "X-Amz-Expires must be non-negative")
	case seconds > int64(maxPresigned/time.Second):
		return fail(BadQuery, "X-Amz-Expires must be less than a week (in seconds); "+
			"that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	s.expires = time.Duration(seconds) * time.Second
	return nil
}

// parseCredential takes a credential apart from its end, since an access key could hold a slash.
func (s *Signed) parseCredential(credential string, kind Kind) error {
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != terminator {
		return malformedCredential(credential, kind)
	}
	s.AccessKeyID = strings.Join(parts[:n-4], "/")
	s.Date, s.Region, s.Service = parts[n-4], parts[n-3], parts[n-2]
	if s.AccessKeyID == "" || s.Date == "" || s.Region == "" || s.Service == "" {
		return malformedCredential(credential, kind)
	}
	return nil
}

// malformedCredential is in S3's words where the credential is a parameter: presigned requests are S3's.
func malformedCredential(credential string, kind Kind) error {
	if kind == BadQuery {
		return fail(kind, "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; "+
			`expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	}
	return fail(kind, "Credential must have exactly 5 slash-delimited elements, "+
		"e.g. keyid/date/region/service/term, got '%s'", credential)
}

func (s *Signed) parseDate(text string, kind Kind) error {
	if text == "" {
		return fail(kind, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	t, err := time.Parse(timeFormat, text)
	if err != nil {
		return fail(kind, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", text)
	}
	s.Time = t
	if t.Format(dateFormat) != s.Date {
		return fail(Mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", s.Date, t.Format(dateFormat), text)
	}
	return nil
}
