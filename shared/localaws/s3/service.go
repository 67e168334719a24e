// Package s3 is the S3 of the local AWS: buckets with an owner and a region, objects and their versions,
// multipart uploads, bucket policies and CORS. It is as strict as AWS in what it refuses; what nobody here
// needs answers NotImplemented.
package s3

import (
	"errors"
	"net/http"
	"sync"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Service holds the buckets of every account and region: bucket names are global, as on AWS. Its methods
// are safe for concurrent use.
type Service struct {
	mu      sync.RWMutex // guards everything reachable from buckets; contents never change once written
	buckets map[string]*bucket
	keys    Keys
	spool   spool
}

// New returns an S3 without buckets, whose objects can lie under the keys of a KMS. What exceeds a mebibyte is kept in files of a temporary folder, made
// when it is first needed.
func New(keys Keys) *Service {
	return &Service{buckets: make(map[string]*bucket), keys: keys}
}

// Close removes the temporary folder. Nothing may be read or written after it.
func (s *Service) Close() error { return s.spool.close() }

// Resolve names the operation and the accesses that it needs. A bucket that doesn't exist, belongs to
// another account than expected or lies in another region is an error already here, whatever the caller
// may do: AWS answers these before it looks at permissions.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	r, err := parse(c)
	if err != nil {
		return nil, err
	}
	c.Operation, c.State = r.operation.name, r
	if r.bucket != "" && !r.operation.creates {
		if err := s.place(r); err != nil {
			return nil, err
		}
	}
	if r.operation.needs == nil {
		return nil, nil
	}
	return r.operation.needs(s, r)
}

// Serve carries out an authorized call that Resolve has seen. Errors that are not a [*protocol.Error] are
// faults of the local AWS itself.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	r, ok := c.State.(*request)
	if !ok {
		return errors.New("serve S3 call: it has not been resolved")
	}
	w.Header().Set("X-Amz-Request-Id", c.RequestID)
	w.Header().Set("X-Amz-Id-2", c.RequestID)
	w.Header().Set("Server", "AmazonS3")
	return r.operation.serve(s, w, r)
}
