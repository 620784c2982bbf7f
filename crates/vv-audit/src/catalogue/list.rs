//! The catalogue itself: a kind, its wire name, severity, durability, OCSF
//! class with the activity, and what was done.
//!
//! Names are never changed or used again, because leaves hold them for years.
//! Changes of state are `Tx`; refusals and looks that must not be lost are
//! `Spool`; ordinary looks are `Async`; what the trail says about itself is
//! `Sync`.

use super::table::catalogue;
use super::{Durability, OcsfClass, Severity};

impl Kind {
    /// Whether applications may write events of it too.
    pub const fn open_to_applications(self) -> bool {
        matches!(
            self,
            Self::DataCreated
                | Self::DataViewed
                | Self::DataUpdated
                | Self::DataDeleted
                | Self::DataExported
        )
    }
}

catalogue! {
    /// Signing in and out, passwords, second factors and passkeys.
    "authentication" {
        /// A person signed in.
        LoginSucceeded = "login_succeeded", Info, Tx, Authentication(1), "signed in";
        /// A sign-in was refused.
        LoginFailed = "login_failed", Warning, Spool, Authentication(1), "failed to sign in";
        /// A sign-in was refused because of too many attempts.
        LoginThrottled = "login_throttled", Warning, Spool, Authentication(1), "was turned away after too many sign-in attempts";
        /// A sign-in was refused because its circumstances looked too risky.
        LoginRefusedForRisk = "login_refused_for_risk", Warning, Spool, Authentication(1), "was refused a sign-in that looked risky";
        /// A person signed in from a device not seen before.
        NewDevice = "new_device", Info, Tx, Authentication(1), "signed in from a new device";
        /// A person signed out.
        Logout = "logout", Info, Tx, Authentication(2), "signed out";
        /// A token pair was exchanged for a new one.
        SessionRefreshed = "session_refreshed", Info, Tx, Authentication(5), "renewed a session";
        /// A refresh token was presented a second time; its session was ended.
        RefreshReused = "refresh_reused", Critical, Tx, Detection(1), "presented a used refresh token";
        /// A signed-in person proved again who they are.
        Reauthenticated = "reauthenticated", Info, Tx, Authentication(1), "confirmed who they are";
        /// A second factor was asked for.
        MfaChallenged = "mfa_challenged", Info, Tx, Authentication(6), "was asked for a second factor";
        /// A second factor was given.
        MfaSucceeded = "mfa_succeeded", Info, Tx, Authentication(6), "passed the second factor";
        /// A second factor was wrong.
        MfaFailed = "mfa_failed", Warning, Spool, Authentication(6), "failed the second factor";
        /// A second factor was refused because of too many attempts.
        MfaThrottled = "mfa_throttled", Warning, Spool, Authentication(6), "was turned away after too many second-factor attempts";
        /// Somebody tried to get around the second factor.
        MfaBypassAttempted = "mfa_bypass_attempted", Critical, Spool, Detection(1), "tried to get around the second factor";
        /// A second factor was added to an account.
        MfaEnrolled = "mfa_enrolled", Info, Tx, User(12), "added a second factor";
        /// A second factor was removed from an account.
        MfaRemoved = "mfa_removed", Warning, Tx, User(13), "removed a second factor";
        /// A set of backup codes was made; earlier ones ended.
        BackupCodesGenerated = "backup_codes_generated", Info, Tx, User(12), "made new backup codes";
        /// A backup code was used up.
        BackupCodeUsed = "backup_code_used", Warning, Tx, Authentication(6), "used a backup code";
        /// A passkey was registered.
        PasskeyRegistered = "passkey_registered", Info, Tx, User(18), "registered a passkey";
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed", Warning, Tx, User(19), "removed a passkey";
        /// The counter of a passkey went backwards, as that of a copy would.
        PasskeyCounterRegressed = "passkey_counter_regressed", Critical, Tx, Detection(1), "used a passkey that may have been copied";
        /// A person changed their password.
        PasswordChanged = "password_changed", Info, Tx, User(8), "changed a password";
        /// Somebody asked for a way back in because of a forgotten password.
        PasswordResetRequested = "password_reset_requested", Info, Tx, User(99), "asked for a password reset";
        /// A forgotten password was replaced.
        PasswordReset = "password_reset", Warning, Tx, User(9), "reset a password";
        /// A password in use was found in a list of leaked ones.
        PasswordBreached = "password_breached", Warning, Tx, Detection(1), "used a password that is known to have leaked";
        /// An account was recovered without its usual factors.
        AccountRecovered = "account_recovered", Warning, Tx, User(9), "recovered an account";
    }

    /// The life of accounts.
    "account" {
        /// A person was invited.
        InvitationSent = "invitation_sent", Info, Tx, Entity(1), "invited somebody";
        /// An invitation was taken up.
        InvitationAccepted = "invitation_accepted", Info, Tx, User(1), "accepted an invitation";
        /// The data of an account were changed.
        AccountUpdated = "updated", Info, Tx, User(2), "changed an account";
        /// An e-mail address was confirmed.
        EmailVerified = "email_verified", Info, Tx, User(2), "confirmed an e-mail address";
        /// The e-mail address of an account was changed.
        EmailChanged = "email_changed", Warning, Tx, User(2), "changed an e-mail address";
        /// An account was locked after too many failures.
        AccountLocked = "locked", Warning, Tx, User(6), "locked an account";
        /// A locked account was opened again, by staff or by the passing of time.
        AccountUnlocked = "unlocked", Info, Tx, User(7), "unlocked an account";
        /// An account was suspended.
        AccountSuspended = "suspended", Warning, Tx, User(5), "suspended an account";
        /// A suspended account was opened again.
        AccountReinstated = "reinstated", Info, Tx, User(4), "reinstated an account";
        /// An account was deleted.
        AccountDeleted = "deleted", Warning, Tx, User(3), "deleted an account";
    }

    /// Who may do what, and who was refused.
    "authorization" {
        /// Somebody asked for something their roles do not allow.
        PermissionDenied = "permission_denied", Warning, Spool, Api(99), "was refused for lack of a permission";
        /// Somebody tried to gain rights they may not have.
        EscalationAttempted = "escalation_attempted", Critical, Spool, Detection(1), "tried to gain rights they may not have";
        /// A role was given to a person.
        RoleGranted = "role_granted", Warning, Tx, User(16), "granted a role";
        /// A role was taken from a person.
        RoleRevoked = "role_revoked", Warning, Tx, User(17), "revoked a role";
        /// A role was defined.
        RoleCreated = "role_created", Info, Tx, Role(1), "defined a role";
        /// What a role allows was changed.
        RoleUpdated = "role_updated", Warning, Tx, Role(2), "changed a role";
        /// A role was deleted.
        RoleDeleted = "role_deleted", Warning, Tx, Role(3), "deleted a role";
        /// Somebody asked for more rights for a limited time.
        ElevationRequested = "elevation_requested", Info, Tx, AuthorizeSession(99), "asked for more rights for a while";
        /// More rights for a limited time were approved.
        ElevationApproved = "elevation_approved", Warning, Tx, AuthorizeSession(1), "approved more rights for a while";
        /// More rights for a limited time were refused.
        ElevationRefused = "elevation_refused", Info, Tx, AuthorizeSession(99), "refused more rights";
        /// Rights for a limited time ended.
        ElevationEnded = "elevation_ended", Info, Tx, AuthorizeSession(99), "gave up the additional rights";
        /// The emergency access was used.
        BreakGlassUsed = "break_glass_used", Critical, Tx, AuthorizeSession(1), "used the emergency access";
        /// A review of who has which rights was finished.
        AccessReviewed = "access_reviewed", Info, Tx, Compliance(1), "reviewed who has which rights";
    }

    /// Sessions after they were started.
    "session" {
        /// A session was ended by its owner or by staff.
        SessionRevoked = "revoked", Info, Tx, Authentication(2), "ended a session";
        /// Several sessions of a person were ended at once.
        SessionsRevoked = "all_revoked", Warning, Tx, Authentication(2), "ended several sessions";
        /// The oldest session was ended because there were too many.
        SessionEvicted = "evicted", Info, Tx, Authentication(2), "ended a session because there were too many";
        /// A session was raised to a higher level of assurance.
        SessionElevated = "elevated", Info, Tx, AuthorizeSession(1), "raised a session";
        /// A session was used in a way that suggests somebody else has it.
        HijackSuspected = "hijack_suspected", Critical, Spool, Detection(1), "used a session as if it were stolen";
    }

    /// Keys of programs.
    "api_key" {
        /// An API key was created.
        ApiKeyCreated = "created", Info, Tx, Entity(1), "created an API key";
        /// What an API key may do was changed.
        ApiKeyUpdated = "updated", Warning, Tx, Entity(3), "changed an API key";
        /// An API key was replaced by a new one.
        ApiKeyRotated = "rotated", Info, Tx, Entity(3), "rotated an API key";
        /// An API key was revoked.
        ApiKeyRevoked = "revoked", Warning, Tx, Entity(9), "revoked an API key";
        /// An API key came to the end of its time.
        ApiKeyExpired = "expired", Info, Tx, Entity(9), "let an API key expire";
        /// An API key was exchanged for a short-lived token.
        ApiKeyExchanged = "exchanged", Info, Spool, Authentication(3), "exchanged an API key for a token";
        /// An API key was refused.
        ApiKeyRefused = "refused", Warning, Spool, Authentication(1), "presented an API key that was refused";
        /// An API key went over its limit.
        ApiKeyThrottled = "throttled", Warning, Spool, Api(99), "used an API key too often";
        /// An API key was reported as leaked.
        ApiKeyLeaked = "leaked", Critical, Tx, Detection(1), "reported an API key as leaked";
    }

    /// Organisations, accounts and the data of applications.
    "data" {
        /// A tenant was created.
        TenantCreated = "tenant_created", Info, Tx, Entity(1), "created the organisation";
        /// The data or settings of a tenant were changed.
        TenantUpdated = "tenant_updated", Info, Tx, Entity(3), "changed the organisation";
        /// A tenant was suspended.
        TenantSuspended = "tenant_suspended", Warning, Tx, Entity(12), "suspended the organisation";
        /// A suspended tenant was opened again.
        TenantReinstated = "tenant_reinstated", Info, Tx, Entity(13), "reinstated the organisation";
        /// A tenant was deleted.
        TenantDeleted = "tenant_deleted", Warning, Tx, Entity(4), "deleted the organisation";
        /// An account was created.
        UserCreated = "user_created", Info, Tx, User(1), "created an account";
        /// The accounts of a tenant were listed.
        UsersListed = "users_listed", Info, Async, Api(2), "listed the users";
        /// One account was looked at by staff.
        UserViewed = "user_viewed", Info, Async, Api(2), "looked at an account";
        /// Audit events were looked at.
        AuditViewed = "audit_viewed", Info, Spool, Api(2), "looked at the audit trail";
        /// Something was created in an application.
        DataCreated = "created", Info, Spool, Api(1), "created data";
        /// Something was looked at in an application.
        DataViewed = "viewed", Info, Async, Api(2), "looked at data";
        /// Something was changed in an application.
        DataUpdated = "updated", Info, Spool, Api(3), "changed data";
        /// Something was deleted in an application.
        DataDeleted = "deleted", Warning, Spool, Api(4), "deleted data";
        /// Data were taken out of an application.
        DataExported = "exported", Warning, Spool, Api(2), "exported data";
    }

    /// Cards, tokens and the keys that protect them.
    "vault" {
        /// A card was exchanged for a token.
        CardTokenized = "card_tokenized", Info, Tx, Datastore(9), "exchanged a card for a token";
        /// A token was exchanged for the card behind it.
        CardDetokenized = "card_detokenized", Warning, Tx, Datastore(10), "revealed a card";
        /// A card was not revealed.
        DetokenizationDenied = "detokenization_denied", Warning, Spool, Datastore(10), "was refused a card";
        /// The masked form of a card was looked at.
        CardViewed = "card_viewed", Info, Async, Datastore(1), "looked at a masked card";
        /// A card was deleted; its token leads nowhere.
        CardDeleted = "card_deleted", Warning, Tx, Datastore(7), "deleted a card";
        /// A card security code was taken out of memory, which can be done once.
        SecurityCodeRead = "security_code_read", Warning, Tx, Datastore(1), "took out a card security code";
        /// A card number was found where none should be.
        CardFound = "card_found", Error, Tx, Detection(1), "found a card number outside the vault";
        /// The vault was opened for use.
        VaultUnsealed = "unsealed", Warning, Tx, Entity(10), "unsealed the vault";
        /// The vault was closed.
        VaultSealed = "sealed", Warning, Tx, Entity(11), "sealed the vault";
        /// A new key came into use in the vault.
        VaultKeyRotated = "key_rotated", Info, Tx, Entity(3), "rotated a vault key";
        /// All cards of an old key were encrypted again under the new one.
        VaultRekeyed = "rekeyed", Info, Tx, Datastore(9), "encrypted the vault again";
        /// A key of the vault was destroyed.
        VaultKeyDestroyed = "key_destroyed", Warning, Tx, Entity(4), "destroyed a vault key";
        /// A key of the vault was declared compromised.
        VaultKeyCompromised = "key_compromised", Critical, Tx, Detection(1), "declared a vault key compromised";
    }

    /// Requests of data subjects, consents, erasure and retention.
    "privacy" {
        /// A data subject made a request.
        RequestReceived = "request_received", Info, Tx, Entity(1), "made a privacy request";
        /// The identity of a requester was established.
        RequesterVerified = "requester_verified", Info, Tx, Entity(3), "established who made a privacy request";
        /// The time to answer a request was extended.
        RequestExtended = "request_extended", Warning, Tx, Entity(3), "extended the time for a privacy request";
        /// A request was granted.
        RequestGranted = "request_granted", Info, Tx, Entity(3), "granted a privacy request";
        /// A request was refused.
        RequestRefused = "request_refused", Warning, Tx, Entity(3), "refused a privacy request";
        /// The time to answer a request has passed.
        RequestOverdue = "request_overdue", Error, Tx, Compliance(1), "left a privacy request unanswered too long";
        /// The data of a person were exported for them.
        SubjectExported = "subject_exported", Warning, Tx, Datastore(1), "exported the data of a person";
        /// The data of a person were corrected.
        SubjectRectified = "subject_rectified", Info, Tx, Datastore(2), "corrected the data of a person";
        /// The use of a person's data was restricted.
        SubjectRestricted = "subject_restricted", Info, Tx, Entity(12), "restricted the use of a person's data";
        /// The restriction on a person's data was lifted.
        RestrictionLifted = "restriction_lifted", Info, Tx, Entity(13), "lifted the restriction on a person's data";
        /// The data of a person were erased and their keys destroyed.
        SubjectErased = "subject_erased", Warning, Tx, Datastore(7), "erased the data of a person";
        /// Data were changed so that they no longer tell whose they are.
        DataAnonymized = "data_anonymized", Info, Tx, Datastore(2), "anonymised data";
        /// A consent was given.
        ConsentGiven = "consent_given", Info, Tx, Entity(1), "gave a consent";
        /// A consent was withdrawn.
        ConsentWithdrawn = "consent_withdrawn", Info, Tx, Entity(4), "withdrew a consent";
        /// A policy on how long data are kept was changed.
        RetentionChanged = "retention_changed", Warning, Tx, Entity(3), "changed how long data are kept";
        /// Data at the end of their time were removed.
        RetentionApplied = "retention_applied", Info, Tx, Datastore(7), "removed data at the end of their time";
    }

    /// What the trail says about itself.
    "audit" {
        /// A node told how many events it took in, wrote and lost.
        Heartbeat = "heartbeat", Info, Sync, EventLog(99), "reported its audit counters";
        /// Events were lost before they were recorded; the details say how many.
        Gap = "gap", Error, Sync, Detection(1), "lost audit events";
        /// Events that waited for their place had been changed or slipped in.
        IntakeForged = "intake_forged", Critical, Sync, Detection(1), "found forged events in the audit intake";
        /// An operator let a broken chain take events again; the details name the break.
        ChainResumed = "chain_resumed", Info, Sync, EventLog(8), "took up the audit chain again";
        /// The clock of a node went backwards.
        ClockSteppedBack = "clock_stepped_back", Warning, Sync, EventLog(99), "saw its clock go backwards";
        /// Events that waited on a node's disk were moved into the chain.
        SpoolDrained = "spool_drained", Info, Sync, EventLog(99), "moved waiting events into the chain";
        /// Events that waited on a node's disk could not be read any more.
        SpoolDamaged = "spool_damaged", Critical, Sync, Detection(1), "found waiting audit events damaged";
        /// A month of a chain was closed and its manifest signed.
        SegmentClosed = "segment_closed", Info, Tx, EventLog(5), "closed a segment of the audit trail";
        /// A closed segment was written to an archive file.
        SegmentArchived = "segment_archived", Info, Tx, EventLog(4), "archived a segment of the audit trail";
        /// An archived segment was removed from the database at the end of its time.
        SegmentPruned = "segment_pruned", Warning, Tx, EventLog(2), "pruned a segment of the audit trail";
        /// How long the trail is kept was changed.
        AuditRetentionChanged = "retention_changed", Warning, Tx, EventLog(99), "changed how long the audit trail is kept";
        /// Events were put under a legal hold.
        LegalHoldPlaced = "legal_hold_placed", Warning, Tx, EventLog(99), "placed a legal hold";
        /// A legal hold was lifted.
        LegalHoldReleased = "legal_hold_released", Warning, Tx, EventLog(99), "released a legal hold";
        /// Events were exported.
        EventsExported = "events_exported", Warning, Sync, EventLog(3), "exported audit events";
        /// A checkpoint could not be left with an external anchor.
        AnchorFailed = "anchor_failed", Error, Sync, EventLog(99), "could not anchor a checkpoint";
        /// An external anchor that had failed works again.
        AnchorRecovered = "anchor_recovered", Info, Sync, EventLog(99), "anchored a checkpoint again";
        /// A witness refused a checkpoint, or another's was refused here.
        WitnessRefused = "witness_refused", Critical, Sync, Detection(1), "had a checkpoint refused by a witness";
    }

    /// Checks, alerts, keys and attacks.
    "security" {
        /// The audit chain was checked.
        ChainVerified = "chain_verified", Info, Tx, Compliance(1), "verified the audit chain";
        /// The audit chain did not verify.
        ChainBroken = "chain_broken", Critical, Tx, Detection(1), "found the audit chain broken";
        /// A key was generated.
        KeyGenerated = "key_generated", Info, Tx, Entity(1), "generated a key";
        /// A key was replaced by a new one.
        KeyRotated = "key_rotated", Info, Tx, Entity(3), "rotated a key";
        /// A key was destroyed.
        KeyDestroyed = "key_destroyed", Warning, Tx, Entity(4), "destroyed a key";
        /// Somebody went over a rate limit.
        RateLimitExceeded = "rate_limit_exceeded", Warning, Spool, Api(99), "sent too many requests";
        /// A request came from an address that is blocked.
        AddressBlocked = "address_blocked", Warning, Spool, Api(99), "came from a blocked address";
        /// More data were exported than is usual.
        MassExportDetected = "mass_export_detected", Critical, Spool, Detection(1), "exported unusually much";
        /// A request was refused because its credential or certificate had expired.
        CertificateExpired = "certificate_expired", Warning, Spool, Authentication(1), "presented an expired certificate";
        /// A rule of the organisation was broken.
        PolicyViolated = "policy_violated", Warning, Spool, Compliance(1), "broke a policy";
        /// Something looked like an attack.
        SuspiciousActivity = "suspicious_activity", Warning, Spool, Detection(1), "acted suspiciously";
        /// An alert was raised.
        AlertRaised = "alert_raised", Warning, Tx, Detection(1), "raised an alert";
        /// An alert was taken up by somebody.
        AlertAcknowledged = "alert_acknowledged", Info, Tx, Detection(2), "acknowledged an alert";
        /// An alert was settled.
        AlertResolved = "alert_resolved", Info, Tx, Detection(3), "resolved an alert";
        /// A prepared response ran by itself.
        PlaybookRun = "playbook_run", Warning, Tx, Entity(99), "ran a playbook";
        /// A control of a compliance framework was tested.
        ControlTested = "control_tested", Info, Tx, Compliance(1), "tested a compliance control";
    }

    /// The service itself.
    "system" {
        /// The one-time set-up link was issued.
        SetupLinkIssued = "setup_link_issued", Warning, Tx, Entity(1), "issued a set-up link";
        /// The first administrator was created.
        SetupCompleted = "setup_completed", Warning, Tx, Lifecycle(1), "completed the set-up";
        /// A node started.
        Started = "started", Info, Spool, Lifecycle(3), "started";
        /// A node stopped.
        Stopped = "stopped", Info, Spool, Lifecycle(4), "stopped";
        /// A setting was changed.
        ConfigurationChanged = "configuration_changed", Warning, Tx, Entity(3), "changed a setting";
        /// The layout of the database was brought to a new version.
        Migrated = "migrated", Warning, Tx, Lifecycle(8), "migrated the database";
        /// A backup was made.
        BackedUp = "backed_up", Info, Sync, Datastore(1), "made a backup";
        /// A backup was restored.
        Restored = "restored", Critical, Tx, Datastore(5), "restored a backup";
        /// A job failed for good.
        JobFailed = "job_failed", Error, Tx, Lifecycle(99), "gave up a job";
        /// Something failed inside the service.
        Failed = "failed", Error, Spool, Lifecycle(99), "failed";
    }
}
