import { describe, expect, it } from 'vitest';
import { denialOf, requestFor } from './denial';

const USER = 'arn:aws:iam::111122223333:user/qa';
const denied = `User: ${USER} is not authorized to perform: tympan:ListAuditLines on resource: * because no identity-based policy allows the tympan:ListAuditLines action`;

describe('denials', () => {
  it('say who may not do what, to what, and why', () => {
    expect(denialOf(denied)).toEqual({ principal: USER, action: 'tympan:ListAuditLines', resource: '*', isExplicit: false });
    const explicit = denied.replace(/because.*/, 'with an explicit deny in an identity-based policy');
    expect(denialOf(explicit)?.isExplicit).toBe(true);
    expect(denialOf('The key is not there.')).toBeUndefined();
  });

  it('become a request with the statement that is missing', () => {
    const denial = denialOf(denied);
    expect(denial && requestFor(denial)).toBe(
      `${USER} needs tympan:ListAuditLines on *.\nThis statement in one of its policies allows it:\n{\n  "Effect": "Allow",\n  "Action": "tympan:ListAuditLines",\n  "Resource": "*"\n}\n`,
    );
  });
});
