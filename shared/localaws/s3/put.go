package s3

import (
	"net/http"
)

func (s *Service) putObject(w http.ResponseWriter, r *request) error {
	own, err := objectHeadersOf(r.header)
	if err != nil {
		return err
	}
	condition, err := writeConditionOf(r.header)
	if err != nil {
		return err
	}
	if err := s.mayWrite(r, condition); err != nil {
		return err
	}
	if err := s.encrypt(r); err != nil {
		return err
	}
	in, err := s.receive(r, crc64NVME)
	if err != nil {
		return err
	}
	o := &object{
		key: r.key, content: contentOf(in.blob), size: in.blob.size, etag: hexOf(r.encryption.sum(in.md5)), modified: r.call.Now,
		headers: own, checksum: in.checksum, encryption: r.encryption,
	}
	if err := s.commit(r, o, condition); err != nil {
		return err
	}
	o.checksum.setHeader(w.Header())
	answerWrite(w, o)
	w.WriteHeader(http.StatusOK)
	return nil
}

// mayWrite looks at the condition before the body is read. commit looks again.
func (s *Service) mayWrite(r *request, condition writeCondition) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	return condition.check(r.key, b.current(r.key))
}

// commit puts an object into its bucket if the condition still holds: both under one lock, so that of two
// writers that want the key to be absent one loses.
func (s *Service) commit(r *request, o *object, condition writeCondition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	if err := condition.check(o.key, b.current(o.key)); err != nil {
		return err
	}
	b.add(o)
	return nil
}

// answerWrite sets what every write of an object answers.
func answerWrite(w http.ResponseWriter, o *object) {
	h := w.Header()
	h.Set("Etag", `"`+o.etag+`"`)
	o.encryption.set(h)
	if o.version != nullVersion {
		h.Set("X-Amz-Version-Id", o.version)
	}
}
