package s3

import "net/http"

// getObjectACL answers as buckets made today do: their owner owns every object, and nobody else is granted
// anything ("Controlling ownership of objects and disabling ACLs for your bucket").
func (s *Service) getObjectACL(w http.ResponseWriter, r *request) error {
	o, versioned, err := s.lookup(r)
	if err != nil {
		return err
	}
	if versioned {
		w.Header().Set("X-Amz-Version-Id", o.version)
	}
	return writeACL(w, r)
}

func (s *Service) getBucketACL(w http.ResponseWriter, r *request) error { return writeACL(w, r) }

func writeACL(w http.ResponseWriter, r *request) error {
	x := newDocument("AccessControlPolicy")
	x.owner("Owner", r.owner)
	list := x.start("AccessControlList")
	grant := x.start("Grant")
	x.buf.WriteString(`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">`)
	x.element("ID", canonicalID(r.owner))
	x.buf.WriteString("</Grantee>")
	x.element("Permission", "FULL_CONTROL")
	grant()
	list()
	return x.write(w)
}
