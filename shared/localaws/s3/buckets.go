package s3

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxBuckets is the most that max-buckets may ask for.
const maxBuckets = 10000

// listBuckets lists the caller's own buckets in the order of their names. ARN and region come only with an
// answer to a request that has a parameter ("ListBuckets", Amazon S3 API Reference).
func (s *Service) listBuckets(w http.ResponseWriter, r *request) error {
	q, err := r.bucketQuery()
	if err != nil {
		return err
	}
	x := newDocument("ListAllMyBucketsResult")
	x.owner("Owner", r.call.Account())
	end := x.start("Buckets")
	next := ""
	for i, b := range s.ownBuckets(r.call.Account(), q) {
		if i == q.limit {
			next = newToken(q.last)
			break
		}
		x.bucket(b, q.detailed)
		q.last = b.name
	}
	end()
	x.optional("ContinuationToken", next)
	x.optional("Prefix", q.prefix)
	return x.write(w)
}

func (x *document) bucket(b bucket, detailed bool) {
	end := x.start("Bucket")
	x.element("Name", b.name)
	x.time("CreationDate", b.created)
	if detailed {
		x.element("BucketRegion", b.region)
		x.element("BucketArn", bucketARN(b.region, b.name))
	}
	end()
}

// bucketQuery is which of its buckets an account wants to see.
type bucketQuery struct {
	prefix, region, last string
	limit                int
	detailed             bool
}

func (r *request) bucketQuery() (bucketQuery, error) {
	q := bucketQuery{prefix: r.query.Get("prefix"), region: r.query.Get("bucket-region"), limit: maxBuckets}
	for _, name := range []string{"prefix", "bucket-region", "max-buckets", "continuation-token"} {
		q.detailed = q.detailed || r.query.Has(name)
	}
	if q.region != "" && !slices.Contains(regions, q.region) {
		return q, protocol.NewError(http.StatusBadRequest, "InvalidArgument",
			"Argument value %s is not a valid AWS Region", q.region).With("ArgumentName", "bucket-region")
	}
	if text, sent := r.param("max-buckets"); sent {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBuckets {
			return q, invalidArgument("max-buckets", text, "Argument max-buckets must be an integer between 1 and 10000")
		}
		q.limit = n
	}
	if token := r.query.Get("continuation-token"); token != "" {
		var err error
		if q.last, err = parseToken(token); err != nil {
			return q, err
		}
	}
	return q, nil
}

// ownBuckets are copies of what listings say of an account's buckets.
func (s *Service) ownBuckets(account string, q bucketQuery) []bucket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var own []bucket
	for name, b := range s.buckets {
		if b.account == account && name > q.last && strings.HasPrefix(name, q.prefix) && (q.region == "" || q.region == b.region) {
			own = append(own, bucket{name: b.name, region: b.region, created: b.created})
		}
	}
	slices.SortFunc(own, func(a, b bucket) int { return cmp.Compare(a.name, b.name) })
	return own
}
