import { Doctor as DoctorService } from "@slipway/api/slipway/services/doctor/v1/doctor_pb";
import type { Doctor } from "@slipway/core/doctor";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

export function doctorService(doctor: Doctor): ServiceRegistration {
  return serve(DoctorService, {
    async examine({ leastAgeMs }) {
      return { leaks: await doctor.examine({ leastAgeMs: Number(leastAgeMs) }) };
    },
    async repair({ ids, leastAgeMs }) {
      const repaired = await doctor.repair(ids, { leastAgeMs: Number(leastAgeMs) });
      return { leaks: repaired.map(({ leak, failure = "" }) => ({ leak, failure })) };
    },
  });
}
