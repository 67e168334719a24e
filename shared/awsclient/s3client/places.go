package s3client

import (
	"context"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/arngate/arngate/shared/awsclient/endpoints"
)

// places is the endpoint resolver of a client. Clients compare it, so it is used as a pointer.
type places struct{ known endpoints.Remembered[place] }

// place is everything that the place of a call depends on.
type place struct {
	bucket, region, endpoint                                     endpoints.Maybe[string]
	fips, dualStack, pathStyle, accelerate, global, objectLambda endpoints.Maybe[bool]
	noAccessPoints, noMultiRegion, arnRegion, control, noExpress endpoints.Maybe[bool]
}

// placeOf leaves out Key, Prefix and CopySource, which are parameters that no rule asks for.
func placeOf(p awss3.EndpointParameters) place {
	return place{
		bucket: endpoints.Given(p.Bucket), region: endpoints.Given(p.Region), endpoint: endpoints.Given(p.Endpoint),
		fips: endpoints.Given(p.UseFIPS), dualStack: endpoints.Given(p.UseDualStack), pathStyle: endpoints.Given(p.ForcePathStyle),
		accelerate: endpoints.Given(p.Accelerate), global: endpoints.Given(p.UseGlobalEndpoint),
		objectLambda: endpoints.Given(p.UseObjectLambdaEndpoint), noAccessPoints: endpoints.Given(p.DisableAccessPoints),
		noMultiRegion: endpoints.Given(p.DisableMultiRegionAccessPoints), arnRegion: endpoints.Given(p.UseArnRegion),
		control: endpoints.Given(p.UseS3ExpressControlEndpoint), noExpress: endpoints.Given(p.DisableS3ExpressSessionAuth),
	}
}

// ResolveEndpoint makes places an [awss3.EndpointResolverV2].
func (e *places) ResolveEndpoint(ctx context.Context, p awss3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return e.known.Get(placeOf(p), func() (smithyendpoints.Endpoint, error) {
		return awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	})
}
