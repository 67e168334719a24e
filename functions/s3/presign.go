package s3

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

const (
	// linkLife is how long a presigned URL lives if nothing is said, unless its credentials end before.
	linkLife = 15 * time.Minute
	// lasting is how much of their time credentials should have left to sign with. If it were more, asking for long-lived URLs
	// would cost a mint each time.
	lasting = linkLife
)

// Life is the part of a body that says how long its URLs should live.
type Life struct {
	ExpiresIn int `json:"expires_in,omitzero" minimum:"1" maximum:"3600" default:"900" doc:"Seconds that the URLs should live. They end with the credentials that sign them, which may be before; for up to 900 seconds, fresh ones are used if need be. expires_at says when"`
}

func (l Life) wanted() time.Duration {
	if l.ExpiresIn == 0 {
		return linkLife
	}
	return time.Duration(l.ExpiresIn) * time.Second
}

// lifeOf is how long what is signed now, by the credentials in ctx, can live: a URL ends with what signed it, whatever it says
// (trap 37).
func lifeOf(ctx context.Context, wanted time.Duration, now time.Time) time.Duration {
	if until := connection.Expires(ctx); !until.IsZero() {
		wanted = min(wanted, until.Sub(now))
	}
	return max(wanted.Truncate(time.Second), time.Second)
}

// signer signs requests to one bucket, all with one life.
type signer struct {
	*awss3.PresignClient

	life time.Duration
}

// sign calls do with a signer for the bucket's own region, and returns when what it signs ends. Nothing is sent to AWS.
//
// The SDK's checksums are left out: the one of an empty body would be signed into a PUT (trap 38).
func (b *bucket) sign(
	ctx context.Context, wanted time.Duration, operation, action, resource string, do func(context.Context, signer) error,
) (ends time.Time, err error) {
	err = b.CallLasting(ctx, min(wanted, lasting), operation, action, resource, func(ctx context.Context) error {
		client, err := b.client(b.regions.of(b.name, b.Region))
		if err != nil {
			return err
		}
		now := time.Now().UTC().Truncate(time.Second)
		life := lifeOf(ctx, wanted, now)
		ends = now.Add(life)
		return do(ctx, signer{life: life, PresignClient: awss3.NewPresignClient(
			client, awss3.WithPresignExpires(life), awss3.WithPresignClientFromClientOptions(withoutChecksums),
		)})
	})
	return ends, err
}

func withoutChecksums(o *awss3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// locate finds the bucket's region where it isn't known: what is presigned can't be tried elsewhere. Only the first use of a
// bucket costs a call. A listing that is denied tells the region, too (trap 35).
func (b *bucket) locate(ctx context.Context, key string) error {
	if b.regions.knows(b.name) {
		return nil
	}
	err := b.visit(ctx, key)
	if p, ok := errors.AsType[*problem.Error](err); !ok || p.Code != problem.AWSAccessDenied {
		return err
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		// Where it isn't the right one it has been corrected by now.
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			b.regions.confirm(b.name, region)
		}
	}
	return nil
}

// visit lists a single key: that is enough for S3 to tell the region, and whether the bucket is who's it is expected to be.
func (b *bucket) visit(ctx context.Context, key string) error {
	_, err := b.list(ctx, &awss3.ListObjectsV2Input{Prefix: &key, MaxKeys: aws.Int32(1)})
	return err
}
