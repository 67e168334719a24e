package s3

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// needsPost reads the form of a browser's upload, proves who signed it and holds it against its policy: only then is
// known which key is to be written for whom ("POST Object", Amazon S3 API Reference).
func needsPost(_ *Service, r *request) ([]protocol.Access, error) {
	f, err := readForm(r.call.Request)
	if err != nil {
		return nil, err
	}
	r.form, r.header = f, f.headers()
	if r.key, err = f.key(); err != nil {
		return nil, err
	}
	switch {
	case !utf8.ValidString(r.key):
		return nil, invalidURI()
	case len(r.key) > maxKeyLength:
		return nil, keyTooLong(len(r.key))
	}
	signed, err := f.signed()
	if err != nil {
		return nil, err
	}
	if signed {
		if err := r.authenticateForm(); err != nil {
			return nil, err
		}
	}
	return []protocol.Access{r.objectAccess("s3:PutObject", r.key, nil)}, nil
}

// authenticateForm makes whoever signed the form the caller, and applies the policy.
func (r *request) authenticateForm() error {
	if r.call.AuthenticateForm == nil {
		return invalidRequest("Only one auth mechanism allowed: the request is signed, and so is its form.")
	}
	if err := r.call.AuthenticateForm(r.form.get); err != nil {
		return err
	}
	if err := r.checkRegion(); err != nil {
		return err
	}
	policy, err := parsePostPolicy(r.form.get("policy"))
	if err != nil {
		return err
	}
	r.form.policy = policy
	return policy.check(r.form, r.bucket, r.key, r.call.Now)
}

func (s *Service) postObject(w http.ResponseWriter, r *request) error {
	own, err := objectHeadersOf(r.header)
	if err != nil {
		return err
	}
	if err := s.encrypt(r); err != nil {
		return err
	}
	in, err := s.receiveFile(r)
	if err != nil {
		return err
	}
	o := &object{
		key: r.key, content: contentOf(in.blob), size: in.blob.size, etag: hexOf(r.encryption.sum(in.md5)), modified: r.call.Now,
		headers: own, checksum: in.checksum, encryption: r.encryption,
	}
	if err := s.commit(r, o, writeCondition{}); err != nil {
		return err
	}
	answerWrite(w, o)
	w.Header().Set("Location", r.location())
	return r.answerPost(w, o)
}

// receiveFile reads the form's file. It stops where the file is larger than it may be.
func (s *Service) receiveFile(r *request) (received, error) {
	check, err := r.newDigests(crc64NVME)
	if err != nil {
		return received{}, err
	}
	largest := int64(maxPut)
	if r.form.policy != nil {
		largest = min(largest, r.form.policy.largest)
	}
	size := &counter{largest: largest}
	blob, err := s.spool.write(io.TeeReader(r.form.file, io.MultiWriter(size, check)))
	switch {
	case errors.Is(err, errFull):
		return received{}, entityTooLarge(size.seen, largest)
	case err != nil:
		return received{}, bodyError(err)
	}
	if r.form.policy != nil {
		if err := r.form.policy.checkSize(blob.size); err != nil {
			return received{}, err
		}
	}
	sum, err := check.verify(r)
	return received{blob: blob, md5: check.md5.Sum(nil), checksum: sum}, err
}

// errFull ends a file that is larger than it may be.
var errFull = errors.New("the file is too large")

// counter fails as soon as more has been written to it than may be.
type counter struct{ seen, largest int64 }

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	c.seen += int64(len(p))
	if c.seen > c.largest {
		return 0, errFull
	}
	return len(p), nil
}

// answerPost answers as the form asks: by a redirect, or with the status it names, 204 otherwise.
func (r *request) answerPost(w http.ResponseWriter, o *object) error {
	target := r.form.get("success_action_redirect")
	if target == "" {
		target = r.form.get("redirect")
	}
	if u, err := url.Parse(target); err == nil && u.IsAbs() && u.Host != "" {
		q := u.Query()
		q.Set("bucket", r.bucket)
		q.Set("key", r.key)
		q.Set("etag", `"`+o.etag+`"`)
		u.RawQuery = q.Encode()
		w.Header().Set("Location", u.String())
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	switch r.form.get("success_action_status") {
	case strconv.Itoa(http.StatusCreated):
		return r.describePost(w, o)
	case strconv.Itoa(http.StatusOK):
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func (r *request) describePost(w http.ResponseWriter, o *object) error {
	x := newDocument("PostResponse")
	x.element("Location", r.location())
	x.element("Bucket", r.bucket)
	x.element("Key", r.key)
	x.element("ETag", `"`+o.etag+`"`)
	return x.writeStatus(w, http.StatusCreated)
}
